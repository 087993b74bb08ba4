"""Kraken v2: names, requests, what its messages mean, and a whole conversation with a simulated Kraken."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise

import pytest

from dialects.samples import kraken as samples
from dialects.talk import Talk, acknowledged, controls, refused, updates
from holdfast import Cause, ConfigError, Failure
from holdfast.dialects import kraken
from holdfast.dialects.words import Acknowledged, Heartbeat, Notice, Refused, Update
from holdfast.testing.services.kraken import Kraken
from holdfast.verdicts import Action

DIALECT = kraken.KrakenDialect()
STREAMS = ("trade:ETH/EUR", "ticker:ETH/EUR", "book-10:BTC/USD", "ohlc-5:ETH/EUR", "instrument")
ASKS = (
    *(("45285.2", "0.00100000"), ("45286.4", "1.54571953"), ("45286.6", "1.54571109"), ("45289.6", "1.54560911")),
    *(("45290.2", "0.15890660"), ("45291.8", "1.54553491"), ("45294.7", "0.04454749"), ("45296.1", "0.35380000")),
    *(("45297.5", "0.09945542"), ("45299.5", "0.18772827")),
)
BIDS = (
    *(("45283.5", "0.10000000"), ("45283.4", "1.54582015"), ("45282.1", "0.10000000"), ("45281.0", "0.10000000")),
    *(("45280.3", "1.54592586"), ("45279.0", "0.07990000"), ("45277.6", "0.03310103"), ("45277.5", "0.30000000")),
    *(("45277.3", "1.54602737"), ("45276.6", "0.15445238")),
)


# Names


@pytest.mark.parametrize(
    ("stream", "advice"),
    [
        ("BTC/USD", "'trade:BTC/USD'"),
        ("trade", "'trade:BTC/USD'"),
        ("Trade:BTC/USD", "trade:BTC/USD"),
        ("trades:BTC/USD", "channels are trade,"),
        ("trade:BTCUSD", "BTC/USD"),
        ("trade:btc/usd", "'trade:BTC/USD'"),
        ("trade:XBT/USD", "'trade:BTC/USD'"),
        ("trade:XDG/XBT", "'trade:DOGE/BTC'"),
        ("trade:BTC/USD,ETH/USD", "one at a time"),
        ("book:BTC/USD", "'book-10:BTC/USD'"),
        ("book-11:BTC/USD", "book-10, book-25"),
        ("ohlc:BTC/USD", "'ohlc-1:BTC/USD'"),
        ("ohlc-2:BTC/USD", "ohlc-1, ohlc-5"),
        ("instrument:BTC/USD", "'instrument'"),
        ("", "trade:BTC/USD"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_one(stream: str, advice: str) -> None:
    with pytest.raises(ConfigError) as error:
        kraken.v2(stream)
    assert repr(stream) in str(error.value)
    assert advice in str(error.value).removeprefix(repr(stream))


@pytest.mark.parametrize("stream", [*STREAMS, "trade:AAPLx/USD"])
def test_right_names_pass(stream: str) -> None:
    assert kraken.v2(stream).streams == (stream,)


def test_names_can_be_made() -> None:
    made = (kraken.trade("BTC/USD"), kraken.ticker("BTC/USD"), kraken.ticker("BTC/USD", on="bbo"))
    assert made == ("trade:BTC/USD", "ticker:BTC/USD", "ticker-bbo:BTC/USD")
    assert (kraken.book("BTC/USD", 25), kraken.ohlc("BTC/USD", 60)) == ("book-25:BTC/USD", "ohlc-60:BTC/USD")
    with pytest.raises(ConfigError, match="'trades' or 'bbo'"):
        kraken.ticker("BTC/USD", on="trade")


def test_books_of_a_feed_have_one_depth() -> None:
    service = kraken.v2("book-25:BTC/USD", "ticker-bbo:BTC/USD")
    update = service.dialect.read(samples.BOOK)
    assert isinstance(update, Update)
    assert update.stream == "book-25:BTC/USD"
    ticker = service.dialect.read(samples.TICKER)
    assert isinstance(ticker, Update)
    assert ticker.stream == "ticker-bbo:ETH/EUR"
    with pytest.raises(ConfigError, match="book-25:ETH/USD"):
        service.dialect.check("book-100:ETH/USD")
    with pytest.raises(ConfigError, match="ticker-bbo:ETH/USD"):
        service.dialect.check("ticker:ETH/USD")
    with pytest.raises(ConfigError, match="depth"):
        kraken.v2(depth=11)
    kraken.v2("trade:BTC/USD", depth=500).dialect.check("book-500:ETH/USD")


# Requests


def test_a_request_is_for_one_channel() -> None:
    batches = [list(batch) for batch in DIALECT.batches(("trade:A/B", "book-10:A/B", "trade:C/D"))]
    assert batches == [["trade:A/B", "trade:C/D"], ["book-10:A/B"]]
    many = [f"trade:A{number}/B" for number in range(250)]
    assert [len(batch) for batch in DIALECT.batches(many)] == [100, 100, 50]


@pytest.mark.parametrize(
    ("stream", "params"),
    [
        ("trade:BTC/USD", {"channel": "trade", "symbol": ["BTC/USD"]}),
        ("ticker:BTC/USD", {"channel": "ticker", "symbol": ["BTC/USD"]}),
        ("ticker-bbo:BTC/USD", {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"}),
        ("book-25:BTC/USD", {"channel": "book", "symbol": ["BTC/USD"], "depth": 25}),
        ("ohlc-60:BTC/USD", {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 60}),
        ("instrument", {"channel": "instrument"}),
    ],
)
def test_what_a_request_says(stream: str, params: dict[str, object]) -> None:
    for text, method in (
        (DIALECT.subscribe([stream], 3), "subscribe"),
        (DIALECT.unsubscribe([stream], 3), "unsubscribe"),
    ):
        request = json.loads(text)
        assert request["req_id"] // 100 == 3
        assert {**request, "req_id": 3} == {"method": method, "params": params, "req_id": 3}


# Reading


@pytest.mark.parametrize(("stream", "message"), samples.UPDATES)
def test_updates_are_told_by_their_streams(stream: str, message: str) -> None:
    update = DIALECT.read(message)
    assert isinstance(update, kraken.KrakenUpdate)
    assert (update.stream, update.text) == (stream, message)
    assert json.loads(update.data) == update.json() == json.loads(message)["data"]


@pytest.mark.parametrize(("stream", "message"), [pair for pair in samples.UPDATES if pair[0] != "instrument"])
def test_when_it_happened(stream: str, message: str) -> None:
    update = DIALECT.read(message)
    assert isinstance(update, Update)
    assert update.event_time == pytest.approx(1772619630.25, abs=0.3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"symbol":"ETH/EUR"', '"symbol":""'),
        ('"symbol":"ETH/EUR"', '"pair":"ETH/EUR"'),
        ('"interval":5', '"interval":7'),
        ('"interval":5', '"minutes":5'),
    ],
)
def test_a_candle_that_does_not_say_of_what_is_of_no_stream(before: str, after: str) -> None:
    assert DIALECT.read(samples.OHLC.replace(before, after)) == Update(None, samples.OHLC.replace(before, after))


def test_a_candle_written_otherwise_is_the_same() -> None:
    for text in (samples.OHLC.replace("ETH/EUR", "ETH\\u002fEUR"), json.dumps(json.loads(samples.OHLC))):
        update = DIALECT.read(text)
        assert isinstance(update, Update)
        assert update.stream == "ohlc-5:ETH/EUR"


def test_trades_prove_that_nothing_is_missing() -> None:
    first, second = DIALECT.read(samples.TRADE), DIALECT.read(samples.NEXT_TRADE)
    later = DIALECT.read(samples.NEXT_TRADE.replace("8803", "8804"))
    assert isinstance(first, Update)
    assert isinstance(second, Update)
    assert isinstance(later, Update)
    assert second.joins(first) is True
    assert later.joins(first) is False
    assert later.joins(second) is True
    assert first.joins(later) is None
    assert len({first.key, second.key, later.key}) == 3


def test_books_prove_nothing_by_numbers() -> None:
    book = DIALECT.read(samples.BOOK)
    assert isinstance(book, Update)
    other = DIALECT.read(samples.BOOK.replace("4249465476", "4249465477"))
    assert isinstance(other, Update)
    assert other.joins(book) is None
    assert book.key != other.key


@pytest.mark.parametrize(
    ("message", "reading"),
    [
        (samples.HEARTBEAT, Heartbeat()),
        (samples.PONG, Heartbeat()),
        (samples.STATUS, Notice("system maintenance")),
        (samples.ACK, Acknowledged(3, ("book-10:BTC/USD",))),
        (samples.ACK.replace('"subscribe"', '"unsubscribe"'), Acknowledged(3, ("book-10:BTC/USD",), dropped=True)),
        (samples.ALREADY, Acknowledged(3, ("book-10:BTC/USD",))),
        (samples.UNKNOWN_PAIR, Refused("Currency pair not supported XBT/USDT", 3, ("trade:XBT/USDT",))),
        (samples.WRONG_DEPTH, Refused("Subscription depth not supported", 3)),
        (samples.TOO_FAST, Notice("Exceeded msg rate")),
    ],
)
def test_what_is_no_data(message: str, reading: object) -> None:
    assert DIALECT.read(message) == reading


# The checksum


def test_the_documented_checksum() -> None:
    assert kraken.book_checksum(ASKS, BIDS) == 3310070434
    exact = [[(Decimal(at), Decimal(quantity)) for at, quantity in side] for side in (ASKS, BIDS)]
    assert kraken.book_checksum(*exact) == 3310070434


def test_a_checksum_is_of_ten_levels() -> None:
    assert kraken.book_checksum([*ASKS, ("45300.0", "1.0")], [*BIDS, ("45200.0", "1.0")]) == 3310070434
    assert kraken.book_checksum(ASKS[:9], BIDS) != 3310070434
    assert kraken.book_checksum([], []) == 0


# Limits


def test_a_ban_is_waited_for() -> None:
    for status in (403, 429):
        verdict = DIALECT.verdict(Failure(Cause.HTTP, status=status))
        assert verdict is not None
        assert (verdict.action, verdict.wait) == (Action.RETRY, 600.0)
    assert DIALECT.verdict(Failure(Cause.HTTP, status=429, headers=(("Retry-After", "5"),))) is None
    assert DIALECT.verdict(Failure(Cause.HTTP, status=404)) is None
    assert DIALECT.verdict(Failure(Cause.EOF)) is None


def test_patience() -> None:
    assert DIALECT.patience("book-10:BTC/USD").first is not None
    assert DIALECT.patience("trade:BTC/USD").first is None
    assert DIALECT.patience("book-10:BTC/USD").silence is None


# A conversation


def talk_of(*streams: str, service: Kraken | None = None) -> Talk:
    return Talk(DIALECT, service or Kraken(), streams, "/v2")


def test_every_stream_is_asked_for_acknowledged_and_delivered() -> None:
    talk = talk_of(*STREAMS)
    assert talk.readings == [Notice("system online")]
    answers = talk.subscribe(*STREAMS)
    assert sorted(acknowledged(answers)) == sorted(STREAMS)
    with_snapshot = {update.stream for update in updates(answers)}
    assert with_snapshot == {name for name in STREAMS if DIALECT.patience(name).first is not None}
    came = updates(talk.run(20.0))
    assert {update.stream for update in came} == set(STREAMS)
    assert len({(update.stream, update.key) for update in came}) == len(came) == 100
    trades = [update for update in came if update.stream == "trade:ETH/EUR"]
    assert [later.joins(earlier) for earlier, later in pairwise(trades)] == [True] * 19


def test_unsubscribed_streams_fall_silent() -> None:
    talk = talk_of(*STREAMS)
    talk.subscribe(*STREAMS)
    assert sorted(acknowledged(talk.unsubscribe(*STREAMS))) == sorted(STREAMS)
    assert updates(talk.run(10.0)) == []


def test_a_pair_that_does_not_exist_is_refused_alone() -> None:
    talk = talk_of("trade:BTC/USD", service=Kraken(instruments=["BTC/USD"]))
    answers = talk.subscribe("trade:BTC/USD", "trade:NO/PE")
    assert acknowledged(answers) == ["trade:BTC/USD"]
    assert refused(answers) == ["trade:NO/PE"]
    assert acknowledged(talk.subscribe("trade:BTC/USD")) == ["trade:BTC/USD"]


def test_the_book_of_the_simulated_service_keeps_its_checksum() -> None:
    talk = talk_of("book-10:BTC/USD")
    talk.run(7.0)
    messages = [*talk.subscribe("book-10:BTC/USD"), *talk.run(60.0)]
    sides: dict[str, dict[str, str]] = {}
    for update in updates(messages):
        (data,) = json.loads(update.data, parse_float=str)
        if json.loads(update.text)["type"] == "snapshot":
            sides = {"asks": {}, "bids": {}}
        for side, levels in sides.items():
            levels.update((level["price"], level["qty"]) for level in data[side])
        asks, bids = (sorted(sides[side].items(), key=lambda level: float(level[0])) for side in ("asks", "bids"))
        assert kraken.book_checksum(asks, bids[::-1]) == data["checksum"]
    assert len(updates(messages)) == 61


def test_pings_keep_a_connection_without_streams() -> None:
    talk = talk_of("trade:BTC/USD")
    for _ in range(10):
        talk.run(DIALECT.limits.ping_every or 0.0)
        assert talk.say(DIALECT.ping(5) or "") == [Heartbeat()]
    talk.run(60.0)
    assert talk.closed_by == "idle"


def test_heartbeats_begin_with_a_stream() -> None:
    talk = talk_of("trade:BTC/USD", service=Kraken())
    assert talk.run(5.0) == []
    talk.subscribe("trade:ETH/USD")
    assert talk.run(5.0) == [Heartbeat()] * 5


def test_who_asks_too_often_is_not_heard() -> None:
    talk = talk_of("trade:BTC/USD")
    texts = [DIALECT.ping(number) or "" for number in range(21)]
    assert [talk.say(text) for text in texts][-1] == [Notice("Exceeded msg rate")]
    assert controls(talk.run(1.0)) == []


@pytest.mark.parametrize(
    "request_text", ["", "x", "[]", '{"method":"fly"}', '{"method":"subscribe","params":[]}', "[" * 9999]
)
def test_whatever_is_asked_is_answered(request_text: str) -> None:
    (answer,) = talk_of("trade:BTC/USD").say(request_text)
    assert isinstance(answer, Refused)


def test_the_url() -> None:
    assert kraken.v2().source == "wss://ws.kraken.com/v2"
    assert kraken.v2(endpoint="ws://localhost:1/v2").source == "ws://localhost:1/v2"
    assert Kraken().asked_by("/v1") is None
