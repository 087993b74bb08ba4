"""What Binance is asked, in what portions, how long it may be silent, and what its failures mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.samples import binance as samples
from holdfast import Cause, Failure
from holdfast.dialects import binance
from holdfast.dialects.words import Patience
from holdfast.verdicts import Action

SPOT = binance.spot().dialect
USDM = {route: binance.usdm(route=route).dialect for route in ("public", "market")}


def test_requests_are_as_documented() -> None:
    for dialect in (SPOT, *USDM.values()):
        names = ["btcusdt@aggTrade", "買@trade"]
        assert dialect.subscribe(names, 1) == '{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","買@trade"],"id":1}'
        assert dialect.unsubscribe(names[:1], 7) == '{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":7}'
        assert dialect.list_streams(3) == '{"method":"LIST_SUBSCRIPTIONS","id":3}'
        assert dialect.ping(4) is None


@given(st.lists(st.text(min_size=1, max_size=80), max_size=300), st.integers(1, 2**53))
def test_no_request_is_longer_than_the_service_reads(streams: list[str], request_id: int) -> None:
    batches = [list(batch) for batch in SPOT.batches(streams)]
    assert [stream for batch in batches for stream in batch] == streams
    for batch in batches:
        for text in (SPOT.subscribe(batch, request_id), SPOT.unsubscribe(batch, request_id)):
            assert len(text.encode()) <= 4000
            assert json.loads(text)["params"] == batch


def test_requests_are_as_few_as_they_can_be() -> None:
    streams = [f"symbol{number:04}usdt@trade" for number in range(1024)]  # 23 bytes each in a request
    assert len(list(SPOT.batches(streams))) == 6
    assert list(SPOT.batches([])) == []


def test_limits_are_those_of_the_service() -> None:
    assert (SPOT.limits.max_streams, SPOT.limits.max_age) == (1024, 86400.0)
    window = SPOT.limits.message_window
    assert window is not None
    assert (window.count, window.period) == (5, 1.0)
    dials = SPOT.limits.dial_window
    assert dials is not None
    assert (dials.count, dials.period) == (300, 300.0)
    assert (SPOT.name, USDM["public"].name, USDM["market"].name) == ("binance.spot", "binance.usdm", "binance.usdm")


TICKING = {"!miniTicker@arr": 15, "!ticker_1h@arr": 15, "btcusdt@kline_1m": 130, "btcusdt@kline_1d@+08:00": 172_810}


@pytest.mark.parametrize("stream", [*samples.SPOT, "btcusdt@kline_1s", "nonsense"])
def test_streams_of_spot_that_tick_are_missed_when_they_do_not(stream: str) -> None:
    seconds = {**TICKING, "btcusdt@kline_1s": 12}.get(stream)
    assert SPOT.patience(stream) == Patience(first=seconds, silence=seconds)


FUTURES_TICKING = {
    "btcusdt@markPrice": 30,
    "btcusdt@markPrice@1s": 15,
    "!markPrice@arr": 30,
    "!markPrice@arr@1s": 15,
    "!miniTicker@arr": 15,
    "!ticker@arr": 15,
    "!bookTicker": 50,
    "defiusdt@compositeIndex": 15,
    "!assetIndex@arr": 15,
    "adausd@assetIndex": 15,
    "tradingSession": 15,
}


@pytest.mark.parametrize("stream", samples.USDM)
def test_streams_of_usdm_that_tick_are_missed_when_they_do_not(stream: str) -> None:
    seconds = FUTURES_TICKING.get(stream)
    assert USDM["market"].patience(stream) == Patience(first=seconds, silence=seconds)


def closed(code: int, reason: str) -> Failure:
    return Failure(Cause.CLOSED, reason, code=code)


@pytest.mark.parametrize(
    ("failure", "action", "wait", "policy"),
    [
        (Failure(Cause.HTTP, status=451), Action.GIVE_UP, 0.0, False),
        (Failure(Cause.HTTP, status=403), Action.RETRY, 300.0, True),
        (Failure(Cause.HTTP, status=429), Action.RETRY, 120.0, False),
        (Failure(Cause.HTTP, status=418), Action.RETRY, 120.0, False),
        (closed(1008, "Too many requests"), Action.RETRY, 120.0, True),
        (closed(1008, "Pong timeout"), Action.RETRY, 0.0, False),
    ],
)
def test_failures_that_mean_something_else_here(failure: Failure, action: Action, wait: float, *, policy: bool) -> None:
    for dialect in (SPOT, *USDM.values()):
        verdict = dialect.verdict(failure)
        assert verdict is not None
        assert (verdict.action, verdict.wait, verdict.policy) == (action, wait, policy)
        assert verdict.reason


@pytest.mark.parametrize(
    "failure",
    [
        *(Failure(Cause.HTTP, status=status) for status in (400, 404, 500, 503)),
        Failure(Cause.HTTP, status=429, headers=(("Retry-After", "7"),)),
        *(closed(code, "") for code in (1000, 1001, 1006, 1008, 1011, 4000)),
        *(Failure(cause) for cause in (Cause.DNS, Cause.EOF, Cause.RESET, Cause.PONG_TIMEOUT)),
    ],
)
def test_other_failures_mean_what_they_always_mean(failure: Failure) -> None:
    assert SPOT.verdict(failure) is None
