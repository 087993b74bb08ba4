"""What docs/exchanges.md says of each service is what its dialect does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dialects.samples import binance as binance_samples
from holdfast.dialects import binance
from holdfast.dialects.binance.kinds import Market
from holdfast.dialects.binance.markets import SPOT, USDM

TEXT = (Path(__file__).parents[2] / "docs" / "exchanges.md").read_text(encoding="utf-8")
BINANCE = TEXT.split("\n## Binance\n")[1].split("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")]
    for line in BINANCE.splitlines()
    if line.startswith("| ")
]
MARKETS = ((SPOT, binance_samples.SPOT, 4), (USDM, binance_samples.USDM, 5))


def told(width: int) -> dict[str, list[str]]:
    """The rows about streams of one market, by the name in the first column."""
    found = [row for row in ROWS if len(row) == width and re.match(r"`[<!t]", row[0])]
    return {row[0].split("`")[1]: row[1:] for row in found}


@pytest.mark.parametrize(("market", "samples", "width"), MARKETS)
def test_streams_of_binance(market: Market, samples: dict[str, object], width: int) -> None:
    rows = told(width)
    assert list(rows) == [kind.form.replace("|", "/") for kind in market.kinds]
    for kind, cells in zip(market.kinds, rows.values(), strict=True):
        *route, loss, watched, typed = cells
        assert route == ([kind.route] if kind.route else [])
        assert bool(loss) is (kind.chain is not None)
        assert bool(typed) is (kind.payload is not None)
        stream = next(name for name in samples if market.kind(name) is kind)
        seconds = kind.silence(stream) if kind.silence is not None else None
        assert bool(watched) is (seconds is not None)
        assert watched == "two intervals and 10 s" or seconds is None or f"{seconds:g} s" in watched


def test_limits_of_binance() -> None:
    rows = {row[0]: row[1:3] for row in ROWS if len(row) == 4}
    for column, dialect in enumerate((binance.spot().dialect, binance.usdm(route="market").dialect)):
        limits = dialect.limits
        assert limits.message_window is not None
        assert limits.dial_window is not None
        window, dials = limits.message_window, limits.dial_window
        assert rows["streams on a connection"][column] == str(limits.max_streams)
        assert rows["bytes of a request"][column] == str(limits.max_request_size)
        assert rows["dials of an address"][column] == f"{dials.count} in {dials.period:g} s"
        assert rows["age of a connection"][column] == f"{(limits.max_age or 0) / 3600:g} h"
        messages = rows["messages to the service, pings and pongs counted"][column]
        assert messages == f"{window.count} in {window.period:g} s"
