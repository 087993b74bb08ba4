"""OKX v5: names, requests, what its messages mean, and limits."""

from __future__ import annotations

import json
from zlib import crc32

import pytest

from dialects.samples import okx as samples
from holdfast import Cause, ConfigError, Failure
from holdfast.dialects import okx
from holdfast.dialects.words import Acknowledged, Heartbeat, Notice, Refused, Update
from holdfast.verdicts import Action

PUBLIC, BUSINESS = okx.OkxDialect("public"), okx.OkxDialect("business")
ARGUMENT_FIRST = '{"arg":{"channel":"tickers","instId":"ETH-USDT"},"event":"subscribe","id":"7"}'
SAMPLES = {**samples.PUBLIC, **samples.BUSINESS}


def update_of(message: str | bytes) -> okx.OkxUpdate:
    update = PUBLIC.read(message)
    assert isinstance(update, okx.OkxUpdate)
    return update


# Names


@pytest.mark.parametrize(
    ("stream", "advice"),
    [
        ("BTC-USDT", "'trades:BTC-USDT'"),
        ("trades", "'trades:BTC-USDT'"),
        ("trade:BTC-USDT", "channels are trades,"),
        ("Trades:BTC-USDT", "trades:BTC-USDT"),
        ("BTC-USDT:tickers", "tickers:BTC-USDT"),
        ("trades:btc-usdt", "'trades:BTC-USDT'"),
        ("trades:BTCUSDT", "with dashes, such as 'trades:BTC-USDT'"),
        ("trades:BTC-USDT,ETH-USDT", "one by one"),
        ("trades:" + "A-" * 80, "one by one"),
        ("candle1m:BTC-USDT", "okx.business()"),
        ("candle7m:BTC-USDT", "1m, 3m"),
        ("liquidation-orders:BTC-USDT-SWAP", "SPOT, MARGIN, SWAP"),
        ("liquidation-orders", "'liquidation-orders:SWAP'"),
        ("status:BTC-USDT", "'status'"),
        ("opt-summary:BTCUSD", "'opt-summary:BTC-USD'"),
        ("", "trades:BTC-USDT"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_one(stream: str, advice: str) -> None:
    with pytest.raises(ConfigError) as error:
        okx.public(stream)
    assert repr(stream) in str(error.value)
    assert advice in str(error.value).removeprefix(repr(stream))


@pytest.mark.parametrize(
    ("stream", "advice"),
    [
        ("trades:BTC-USDT", "okx.public()"),
        ("candle:BTC-USDT", "1m, 3m"),
        ("candle1h:BTC-USDT", "1H"),
        ("candles1m:BTC-USDT", "1m, 3m"),
        ("kline:BTC-USDT", "channels are trades-all, candle<bar>"),
        ("BTC-USDT", "'trades-all:BTC-USDT'"),
    ],
)
def test_a_wrong_name_for_the_other_url(stream: str, advice: str) -> None:
    with pytest.raises(ConfigError) as error:
        okx.business(stream)
    assert repr(stream) in str(error.value)
    assert advice in str(error.value).removeprefix(repr(stream))


def test_right_names_pass() -> None:
    assert okx.public(*samples.PUBLIC, *samples.PUBLIC).streams == tuple(samples.PUBLIC)
    assert okx.business(*samples.BUSINESS).streams == tuple(samples.BUSINESS)
    okx.public("tickers:BTC-USD-200103-7500-C", "tickers:BTC-USD_UM-SWAP")
    with pytest.raises(ConfigError, match="no str"):
        okx.public(7)  # type: ignore[arg-type]


def test_names_can_be_made() -> None:
    public = (
        *(okx.trades("A-B"), okx.ticker("A-B"), okx.book("A-B"), okx.book("A-B", "bbo-tbt")),
        *(okx.mark_price("A-B-SWAP"), okx.funding_rate("A-B-SWAP")),
    )
    assert public == (
        *("trades:A-B", "tickers:A-B", "books:A-B", "bbo-tbt:A-B"),
        *("mark-price:A-B-SWAP", "funding-rate:A-B-SWAP"),
    )
    business = (okx.trades_all("A-B"), okx.candles("A-B"), okx.candles("A-B", "1Dutc"))
    assert business == ("trades-all:A-B", "candle1m:A-B", "candle1Dutc:A-B")
    assert okx.public(*public).streams == public
    assert okx.business(*business).streams == business


def test_the_urls() -> None:
    assert okx.public().source == "wss://ws.okx.com:8443/ws/v5/public"
    assert okx.business().source == "wss://ws.okx.com:8443/ws/v5/business"
    assert okx.public(endpoint="ws://localhost:1/x").source == "ws://localhost:1/x"
    assert (okx.public().dialect.name, okx.business().dialect.name) == ("okx.public", "okx.business")


# Requests


def test_a_request_is_for_streams_of_all_kinds() -> None:
    streams = ["trades:A-B", "liquidation-orders:SWAP", "status", "opt-summary:BTC-USD"]
    assert [list(batch) for batch in PUBLIC.batches(streams)] == [streams]
    arguments = [
        {"channel": "trades", "instId": "A-B"},
        {"channel": "liquidation-orders", "instType": "SWAP"},
        {"channel": "status"},
        {"channel": "opt-summary", "instFamily": "BTC-USD"},
    ]
    assert json.loads(PUBLIC.subscribe(streams, 7)) == {"id": "7", "op": "subscribe", "args": arguments}
    assert json.loads(PUBLIC.unsubscribe(streams, 8)) == {"id": "8", "op": "unsubscribe", "args": arguments}
    assert PUBLIC.list_streams(1) is None
    assert PUBLIC.ping(1) == "ping"


def test_no_request_is_too_long() -> None:
    streams = [f"mark-price-candle12Hutc:{'買' * 95}-{number:04}" for number in range(250)]
    batches = list(okx.business(*streams).dialect.batches(streams))
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert max(len(BUSINESS.subscribe(batch, 10**15).encode()) for batch in batches) <= 60_000


# Reading


@pytest.mark.parametrize(("stream", "message"), SAMPLES.items())
def test_updates_are_told_by_their_streams(stream: str, message: str) -> None:
    for text in (message, message.encode(), json.dumps(json.loads(message))):
        update = update_of(text)
        assert (update.stream, update.text) == (stream, text)
        assert update.json() == json.loads(message)["data"]
    assert json.loads(update_of(message).data) == json.loads(message)["data"]


@pytest.mark.parametrize(("stream", "message"), SAMPLES.items())
def test_when_it_happened(stream: str, message: str) -> None:
    time = update_of(message).event_time
    tells_none = "candle" in stream or stream in ("liquidation-orders:SWAP", "status")
    assert time is None if tells_none else time == pytest.approx(1772619630.25, abs=0.2)


def test_an_argument_may_have_more_in_it() -> None:
    message = samples.MARK_PRICE.replace('"instId"', '"instType":"SWAP","instId"', 1)
    assert update_of(message).stream == "mark-price:ETH-USDT-SWAP"
    assert update_of(samples.TRADES.replace('"trades"', '"new-channel"', 1)).stream == "new-channel:ETH-USDT"


def test_trades_that_follow_on_each_other() -> None:
    first, second = update_of(samples.TRADES), update_of(samples.NEXT_TRADES)
    later = update_of(samples.NEXT_TRADES.replace("8806", "8809"))
    assert second.joins(first) is True
    assert later.joins(second) is None  # it is what everybody sees, and no promise
    assert len({first.key, second.key, later.key}) == 3


def test_books_prove_that_nothing_is_missing() -> None:
    book, changes = update_of(samples.BOOK), update_of(samples.CHANGES)
    quiet, anew, after = (update_of(text) for text in (samples.NO_CHANGES, samples.STARTED_ANEW, samples.AFTER_THAT))
    assert [changes.joins(book), quiet.joins(changes), anew.joins(quiet), after.joins(anew)] == [True] * 4
    assert quiet.joins(quiet) is changes.joins(changes) is True  # a copy
    assert quiet.joins(book) is False
    assert after.joins(quiet) is False  # the one with which the numbers began anew was lost
    assert book.joins(changes) is None  # a snapshot follows on nothing
    assert len({book.key, changes.key, quiet.key, anew.key, after.key}) == 5


def test_copies_of_a_book_message_have_one_key() -> None:
    copy = json.dumps(json.loads(samples.CHANGES.replace('"ts":"1772619630350"', '"ts":"1772619630351"')))
    assert update_of(copy).key == update_of(samples.CHANGES).key


@pytest.mark.parametrize(
    ("message", "reading"),
    [
        ("pong", Heartbeat()),
        (samples.ACK, Acknowledged(7, ("tickers:ETH-USDT",))),
        (samples.ACK.replace('"id":"7",', ""), Acknowledged(None, ("tickers:ETH-USDT",))),
        (ARGUMENT_FIRST, Acknowledged(7, ("tickers:ETH-USDT",))),
        ('{"arg":{"channel":"trades","instId":"A-B"}}', Update(None, '{"arg":{"channel":"trades","instId":"A-B"}}')),
        (samples.DROPPED, Acknowledged(None, ("liquidation-orders:SWAP",), dropped=True)),
        (samples.NOTICE, Notice(json.loads(samples.NOTICE)["msg"], going_away=True)),
        (samples.NOTICE.replace("64008", "64009"), Notice(json.loads(samples.NOTICE)["msg"])),
        (samples.TOO_OFTEN, Notice("Requests too frequent (code 60014)")),
    ],
)
def test_what_is_no_data(message: str, reading: object) -> None:
    assert PUBLIC.read(message) == reading


@pytest.mark.parametrize(
    ("message", "code", "request_id", "streams"),
    [
        (samples.UNKNOWN, "60018", 7, ("tickers:ETH-NOPE",)),
        (samples.UNKNOWN.replace("channel:tickers,instId:ETH-NOPE", "channel:status"), "60018", 7, ("status",)),
        (
            samples.UNKNOWN.replace("channel:tickers,instId:ETH-NOPE", "channel:adl-warning,instType:SWAP"),
            *("60018", 7, ("adl-warning:SWAP",)),
        ),
        (samples.INVALID, "60012", None, None),
        ('{"event":"error","code":"60013"}', "60013", None, None),
    ],
)
def test_refusals(message: str, code: str, request_id: int | None, streams: tuple[str, ...] | None) -> None:
    reading = PUBLIC.read(message)
    assert isinstance(reading, Refused)
    assert (reading.request, reading.streams) == (request_id, streams)
    assert code in reading.reason


# Limits


def test_limits_are_those_of_the_service() -> None:
    window, dials = PUBLIC.limits.message_window, PUBLIC.limits.dial_window
    assert window is not None
    assert dials is not None
    assert (window.count, window.period, window.counts_control) == (480, 3600.0, False)
    assert (dials.count, dials.period) == (3, 1.0)
    assert (PUBLIC.limits.ping_every or 99.0) < 30.0


def test_patience() -> None:
    assert PUBLIC.patience("trades:A-B") == PUBLIC.patience("liquidation-orders:SWAP") == PUBLIC.patience("nonsense")
    assert PUBLIC.patience("trades:A-B").first is PUBLIC.patience("trades:A-B").silence is None
    for stream, every in (("mark-price", 10), ("index-tickers", 60), ("funding-rate", 90), ("books", 60)):
        assert (PUBLIC.patience(f"{stream}:A-B").silence or 0) > 2 * every
    assert BUSINESS.patience("candle1m:A-B").first is not None


@pytest.mark.parametrize("code", [4004, 4005, 4006])
def test_codes_that_are_no_fault_of_ours(code: int) -> None:
    verdict = PUBLIC.verdict(Failure(Cause.CLOSED, "x", code=code))
    assert verdict is not None
    assert (verdict.action, verdict.policy) == (Action.RETRY, False)


@pytest.mark.parametrize(
    "failure", [Failure(Cause.CLOSED, code=4002), Failure(Cause.HTTP, status=429), Failure(Cause.EOF)]
)
def test_other_failures_mean_what_they_always_mean(failure: Failure) -> None:
    assert PUBLIC.verdict(failure) is None


# The checksum


def test_the_checksum_that_books_had() -> None:
    asks, bids = [("3366.8", "9"), ("3368", "8")], [("3366.1", "7"), ("3366", "6"), ("3365", "5")]
    text = "3366.1:7:3366.8:9:3366:6:3368:8:3365:5"
    checksum = okx.book_checksum(asks, bids)
    assert checksum % 2**32 == crc32(text.encode())
    assert -(2**31) <= checksum < 2**31
    assert okx.book_checksum([], []) == 0
    deep = [(str(number), "1") for number in range(1, 40)]
    assert (
        okx.book_checksum(deep, deep) == okx.book_checksum(deep[:25], deep[:25]) != okx.book_checksum(deep, deep[:24])
    )
    assert {okx.book_checksum([(str(number), "1")], []) < 0 for number in range(90)} == {True, False}
