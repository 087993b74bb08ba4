"""Dialect and simulated Bybit understand each other, in each category; and Bybit keeps to its limits."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from dialects.talk import Talk, updates
from holdfast.dialects import bybit
from holdfast.dialects.words import Acknowledged, Heartbeat, Reading, Refused
from holdfast.testing.services.bybit import Bybit, Category
from testing.link import PlainClient

STREAMS: dict[Category, tuple[str, ...]] = {
    "spot": (
        "publicTrade.BTCUSDT",
        *(f"orderbook.{depth}.BTCUSDT" for depth in ("1", "50", "200", "1000", "rpi", "full")),
        "tickers.BTCUSDT",
        "kline.5.BTCUSDT",
        "kline.D.BTCUSDT",
        "priceLimit.BTCUSDT",
    ),
    "linear": (
        "publicTrade.BTCUSDT",
        "orderbook.1.BTCUSDT",
        "orderbook.50.BTCUSDT",
        "tickers.BTC-26DEC25",
        "kline.1.BTCUSDT",
        "allLiquidation.BTCUSDT",
        "priceLimit.BTCUSDT",
        "insurance.USDT",
        "adlAlert.USDC",
    ),
    "inverse": ("publicTrade.BTCUSD", "orderbook.200.BTCUSD", "tickers.BTCUSD", "insurance.inverse"),
    "option": ("publicTrade.BTC", "tickers.BTC-26DEC25-90000-C", "orderbook.25.BTC-26DEC25-90000-C"),
}


def talk_of(category: Category, *streams: str, symbols: list[str] | None = None, rate: float = 1.0) -> Talk:
    dialect = bybit.public(category, *streams).dialect
    return Talk(dialect, Bybit(category, symbols), streams, f"/v5/public/{category}", rate=rate)


def taken(readings: list[Reading]) -> list[Acknowledged]:
    return [reading for reading in readings if isinstance(reading, Acknowledged)]


@pytest.mark.parametrize("category", STREAMS)
def test_every_stream_is_asked_for_acknowledged_and_delivered(category: Category) -> None:
    streams = STREAMS[category]
    talk = talk_of(category, *streams)
    answers = talk.subscribe(*streams)
    if category == "option":
        assert taken(answers) == [Acknowledged(None, streams)]
    else:
        assert taken(answers) == [Acknowledged(number) for number in range(1, talk.requests + 1)]
    with_snapshot = {stream for stream in streams if (talk.dialect.patience(stream).first or 99) < 20}
    assert {update.stream for update in updates(answers)} == with_snapshot
    came = updates(talk.run(20.0))
    assert {update.stream for update in came} == set(streams)
    assert len({(update.stream, update.key) for update in came}) == len(came) == 20 * len(streams)
    assert all(update.event_time is not None for update in came)


@pytest.mark.parametrize("category", STREAMS)
def test_all_that_it_says_has_the_models_of_its_stream(category: Category) -> None:
    talk = talk_of(category, *STREAMS[category])
    talk.subscribe(*STREAMS[category])
    talk.run(3.0)
    with_models = {update.stream for update in updates(talk.readings) if update.typed()}
    without = ("allLiquidation", "priceLimit", "insurance", "adlAlert", "orderbook.rpi")
    assert with_models == {stream for stream in STREAMS[category] if not stream.startswith(without)}


def test_books_continue_from_their_snapshot() -> None:
    talk = talk_of("spot", "orderbook.50.BTCUSDT")
    talk.run(7.0)
    talk.subscribe("orderbook.50.BTCUSDT")
    talk.run(30.0)
    books = updates(talk.readings)
    assert [later.joins(earlier) for earlier, later in pairwise(books)] == [True] * 30
    assert books[5].joins(books[3]) is False
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    for update in books:
        for side, levels in sides.items():
            levels.update(update.json()[side])
    talk.unsubscribe("orderbook.50.BTCUSDT")
    (afresh,) = updates(talk.subscribe("orderbook.50.BTCUSDT"))
    assert {side: dict(afresh.json()[side]) for side in sides} == sides


def test_a_ticker_of_contracts_tells_what_changed() -> None:
    talk = talk_of("linear", "tickers.BTCUSDT")
    (snapshot,) = updates(talk.subscribe("tickers.BTCUSDT"))
    (change,) = updates(talk.run(1.0))
    assert snapshot.json().keys() > change.json().keys()
    assert json.loads(change.text)["type"] == "delta"


@pytest.mark.parametrize("category", STREAMS)
def test_unsubscribed_streams_fall_silent(category: Category) -> None:
    talk = talk_of(category, *STREAMS[category])
    talk.subscribe(*STREAMS[category])
    answers = talk.unsubscribe(*STREAMS[category])
    if category != "option":  # its answer does not say what was asked for
        assert all(answer.dropped for answer in taken(answers))
    assert len(taken(answers)) == len(answers)
    assert updates(talk.run(10.0)) == []


def test_one_topic_that_does_not_exist_fells_the_request() -> None:
    talk = talk_of("linear", "tickers.BTCUSDT", symbols=["BTCUSDT"])
    reason = "error:handler not found,topic:tickers.NOPEUSDT"
    answers = talk.subscribe("tickers.BTCUSDT", "tickers.NOPEUSDT", "kline.1.NOPEUSDT")
    assert answers == [Refused(reason, 1, ("tickers.NOPEUSDT",), rest_again=True)]
    assert updates(talk.run(5.0)) == []
    assert taken(talk.subscribe("tickers.BTCUSDT")) == [Acknowledged(2)]


def test_what_is_subscribed_already_fells_the_request_too() -> None:
    talk = talk_of("spot", "tickers.BTCUSDT")
    talk.subscribe("tickers.BTCUSDT")
    answers = talk.subscribe("tickers.BTCUSDT", "tickers.ETHUSDT")
    assert answers == [Acknowledged(2, ("tickers.BTCUSDT",), rest_again=True)]


def test_options_that_do_not_exist_are_told_together() -> None:
    talk = talk_of("option", symbols=["BTC-A"])
    (answer,) = talk.subscribe("tickers.BTC-A", "tickers.BTC-B", "tickers.BTC-C")
    assert answer == Refused("among the failed topics", None, ("tickers.BTC-B", "tickers.BTC-C"), rest_again=True)


@pytest.mark.parametrize(
    "topic",
    [
        *(
            "tickers.btcusdt",
            "orderbook.25.BTCUSDT",
            "orderbook.BTCUSDT",
            "kline.2.BTCUSDT",
            "trade.BTCUSDT",
            "tickers",
        ),
        *("allLiquidation.BTCUSDT", "insurance.USDT", ""),
    ],
)
def test_topics_of_others_do_not_exist(topic: str) -> None:
    (answer,) = talk_of("spot").subscribe(topic)
    assert isinstance(answer, Refused)


def test_spot_takes_ten_topics_a_request() -> None:
    talk = talk_of("spot")
    names = [f"tickers.A{number}USDT" for number in range(11)]
    assert talk.say(talk.dialect.subscribe(names, 1)) == [Refused("args size >10", 1)]
    assert len(taken(talk.subscribe(*names))) == 2


def test_topics_of_a_connection_have_21000_characters() -> None:
    talk = talk_of("linear")
    names = [f"orderbook.full.A{number:04}USDT" for number in range(778)]
    assert len(taken(talk.subscribe(*names[:777]))) == 8
    (answer,) = talk.subscribe(names[777])
    assert isinstance(answer, Refused)


def test_options_are_2000_on_a_connection() -> None:
    talk = talk_of("option")
    names = [f"tickers.B{number}" for number in range(2001)]
    assert len(taken(talk.subscribe(*names[:2000]))) == 20
    (answer,) = talk.subscribe(names[2000])
    assert isinstance(answer, Refused)


@pytest.mark.parametrize("category", STREAMS)
def test_pings_keep_a_connection_without_streams(category: Category) -> None:
    talk = talk_of(category)
    for number in range(40):
        talk.run(talk.dialect.limits.ping_every or 0.0)
        assert talk.say(talk.dialect.ping(number) or "") == [Heartbeat()]
    talk.run(600.0)
    assert talk.closed_by == "idle"


def test_who_dials_too_often_is_forbidden() -> None:
    talk = talk_of("spot")
    answers = [PlainClient(talk.exchange, 0.0, number).open("/v5/public/spot").raw[:12] for number in range(2, 503)]
    assert answers == [b"HTTP/1.1 101"] * 499 + [b"HTTP/1.1 403"] * 2


def test_each_category_has_its_own_address() -> None:
    assert Bybit("linear").asked_by("/v5/public/linear") == []
    assert Bybit("linear").asked_by("/v5/public/spot") is None


@pytest.mark.parametrize(
    "request_text", ["", "x", "[]", "{}", '{"op":"fly"}', '{"op":"subscribe","args":[1]}', "[" * 9999]
)
@pytest.mark.parametrize("category", STREAMS)
def test_whatever_is_asked_is_answered(category: Category, request_text: str) -> None:
    assert len(talk_of(category).say(request_text)) == 1
