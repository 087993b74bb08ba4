"""Binance's messages as the types that all services share."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dialects.samples import binance as samples
from holdfast.dialects import binance
from holdfast.dialects.models import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    Kline,
    MarkPrice,
    MiniTicker,
    Model,
    Trade,
)
from holdfast.dialects.words import Update

ROOT = Path(__file__).parents[2]
SPOT = binance.spot().dialect
USDM = binance.usdm(route="market").dialect
BIDS = ((Decimal("64250.10"), Decimal("1.250")), (Decimal("64250.00"), Decimal(0)))
ASKS = ((Decimal("64250.20"), Decimal("0.031")),)
TRADE = Trade("BTCUSDT", "902", Decimal("64250.10"), Decimal("0.0105"), "sell", 1779000000.123)
AGG_TRADE = AggTrade("BTCUSDT", "411", Decimal("64250.10"), Decimal("0.50"), "buy", 1779000000.123, 900, 902)
MINI = MiniTicker(
    "BTCUSDT",
    *map(Decimal, ("63000.00", "64500.00", "62800.00", "64250.10", "18000.5", "1147000000.00")),
    time=1779000001.0,
)
MARK = MarkPrice("BTCUSDT", Decimal("64251.37"), Decimal("64255.02"), Decimal("0.00010000"), 1779004800.0, 1779000003.0)
BOOK = BookTicker("BTCUSDT", *map(Decimal, ("64250.00", "2.50", "64250.20", "0.80")), id=7001)
TOP = DepthUpdate("BTCUSDT", BIDS, ASKS, True, last_id=5020)


def kline(interval: str) -> Kline:
    prices = map(Decimal, ("64200.00", "64260.00", "64199.90", "64250.10", "12.50", "803126.25"))
    return Kline("BTCUSDT", interval, 1779000000.0, 1779000059.999, *prices, trades=22, closed=False)


def of(model: Any, **changes: object) -> Any:
    return type(model)(**{**{name: getattr(model, name) for name in model.__struct_fields__}, **changes})


CHANGES = DepthUpdate("BTCUSDT", BIDS, ASKS, False, 5011, 5020, time=1779000000.101)
FUTURES_CHANGES = of(CHANGES, previous_id=4998, time=1779000000.099)
SPOT_MODELS: dict[str, list[Model]] = {
    "btcusdt@trade": [TRADE],
    "btcusdt@aggTrade": [AGG_TRADE],
    "btcusdt@blockTrade": [TRADE],
    "btcusdt@kline_1m": [kline("1m")],
    "btcusdt@kline_1d@+08:00": [kline("1d")],
    "btcusdt@miniTicker": [MINI],
    "!miniTicker@arr": [MINI, of(MINI, symbol="ETHUSDT")],
    "btcusdt@ticker": [MINI],
    "btcusdt@bookTicker": [BOOK],
    "btcusdt@depth5": [TOP],
    "btcusdt@depth20@100ms": [TOP],
    "btcusdt@depth": [CHANGES],
    "btcusdt@depth@100ms": [CHANGES],
}
USDM_MODELS: dict[str, list[Model]] = {
    "btcusdt@trade": [TRADE],
    "btcusdt@bookTicker": [of(BOOK, time=1779000000.891)],
    "!bookTicker": [of(BOOK, time=1779000000.891)],
    "btcusdt@depth5@100ms": [of(TOP, time=1779000000.099)],
    "btcusdt@depth": [FUTURES_CHANGES],
    "btcusdt@depth@500ms": [FUTURES_CHANGES],
    "btcusdt@rpiDepth@500ms": [FUTURES_CHANGES],
    "btcusdt@aggTrade": [AGG_TRADE],
    "btcusdt@markPrice": [MARK],
    "btcusdt@markPrice@1s": [MARK],
    "!markPrice@arr": [MARK, of(MARK, symbol="ETHUSDT")],
    "!markPrice@arr@1s": [of(MARK, funding_rate=None, funding_time=None)],
    "btcusdt@kline_1m": [kline("1m")],
    "btcusdt_perpetual@continuousKline_1m": [kline("1m")],
    "btcusdt@miniTicker": [MINI],
    "!miniTicker@arr": [MINI],
    "btcusdt@ticker": [MINI],
    "!ticker@arr": [MINI, of(MINI, symbol="ETHUSDT")],
}


def typed(dialect: Any, stream: str, payload: object, separators: tuple[str, str] = (",", ":")) -> list[Model]:
    update = dialect.read(json.dumps({"stream": stream, "data": payload}, separators=separators))
    assert isinstance(update, Update)
    return update.typed()


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("stream", samples.SPOT)
def test_streams_of_spot(stream: str, separators: tuple[str, str]) -> None:
    assert typed(SPOT, stream, samples.SPOT[stream], separators) == SPOT_MODELS.get(stream, [])


@pytest.mark.parametrize("stream", samples.USDM)
def test_streams_of_usdm(stream: str) -> None:
    assert typed(USDM, stream, samples.USDM[stream]) == USDM_MODELS.get(stream, [])


def test_a_number_spent_without_a_trade_is_no_trade() -> None:
    spent = {**samples.USDM["btcusdt@trade"], "X": "NA", "p": "0", "q": "0"}
    assert typed(USDM, "btcusdt@trade", spent) == []


def test_prices_are_exact() -> None:
    trade = {**samples.SPOT["btcusdt@trade"], "p": "0.00000001", "q": "92233720368.54775807"}
    (model,) = typed(SPOT, "btcusdt@trade", trade)
    assert isinstance(model, Trade)
    assert (str(model.price), str(model.size)) == ("1E-8", "92233720368.54775807")
    assert model.price == Decimal("0.00000001")


@pytest.mark.parametrize("payload", [{}, [], None, {"t": 1}, {**samples.SPOT["btcusdt@trade"], "p": "much"}])
def test_a_payload_that_is_not_as_documented_is_told(payload: object) -> None:
    if payload == []:
        assert typed(SPOT, "btcusdt@trade", payload) == []
        return
    with pytest.raises(ValueError, match=r"."):
        typed(SPOT, "btcusdt@trade", payload)


WITHOUT_MSGSPEC = """
import sys
sys.modules["msgspec"] = None
sys.path.insert(0, "tests")
from dialects.samples import binance as samples
from holdfast import ConfigError
from holdfast.dialects import binance
import json
dialect = binance.spot().dialect
for stream, payload in samples.SPOT.items():
    update = dialect.read(json.dumps({"stream": stream, "data": payload}, separators=(",", ":")))
    assert update.json() == payload
    print(stream, update.event_time, update.key)
    try:
        update.typed()
    except ConfigError as error:
        assert "pip install 'holdfast[exchanges]'" in str(error)
    else:
        raise SystemExit("typed() worked")
"""


def test_all_else_works_without_msgspec() -> None:
    out = subprocess.run([sys.executable, "-c", WITHOUT_MSGSPEC], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (out.returncode, out.stderr) == (0, "")
    told = []
    for stream, payload in samples.SPOT.items():
        update = SPOT.read(json.dumps({"stream": stream, "data": payload}, separators=(",", ":")))
        assert isinstance(update, Update)
        told.append(f"{stream} {update.event_time} {update.key}")
    assert out.stdout.splitlines() == told


def test_dialects_are_imported_without_msgspec() -> None:
    program = "import sys, holdfast, holdfast.dialects.binance; sys.exit('msgspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
