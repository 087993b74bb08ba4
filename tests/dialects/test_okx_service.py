"""A whole conversation with a simulated OKX, and what it does to those who break its rules."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from wsproto.events import CloseConnection, Ping, TextMessage

from dialects.talk import Talk, acknowledged, controls, refused, updates
from holdfast.dialects import okx
from holdfast.dialects.words import Acknowledged, Heartbeat, Notice, Refused
from holdfast.testing import Rules
from holdfast.testing.services.okx import Okx

PUBLIC, BUSINESS = okx.OkxDialect("public"), okx.OkxDialect("business")
STREAMS = (
    *("trades:ETH-USDT", "tickers:ETH-USDT", "books:ETH-USDT", "books5:ETH-USDT", "bbo-tbt:ETH-USDT"),
    *("books-elp:ETH-USDT", "mark-price:ETH-USDT-SWAP", "index-tickers:ETH-USDT", "funding-rate:ETH-USDT-SWAP"),
    *("open-interest:ETH-USDT-SWAP", "price-limit:ETH-USDT", "liquidation-orders:SWAP", "adl-warning:FUTURES"),
    *("instruments:SPOT", "opt-summary:BTC-USD", "status"),
)
OF_BUSINESS = ("trades-all:ETH-USDT", "candle1m:ETH-USDT", "mark-price-candle3Mutc:ETH-USDT-SWAP", "index-candle1D:A-B")
ON_EVENTS = {"trades:ETH-USDT", "trades-all:ETH-USDT", "liquidation-orders:SWAP", "adl-warning:FUTURES", "status"}


def talk_of(*streams: str, service: Okx | None = None, rules: Rules | None = None, rate: float = 1.0) -> Talk:
    return Talk(PUBLIC, service or Okx(), streams, "/ws/v5/public", rules=rules, rate=rate)


@pytest.mark.parametrize(
    ("dialect", "target", "streams"),
    [(PUBLIC, "/ws/v5/public", STREAMS), (BUSINESS, "/ws/v5/business", OF_BUSINESS)],
)
def test_every_stream_is_asked_for_acknowledged_and_delivered(
    dialect: okx.OkxDialect, target: str, streams: tuple[str, ...]
) -> None:
    talk = Talk(dialect, Okx(), streams, target)
    answers = talk.subscribe(*streams)
    assert acknowledged(answers) == list(streams)
    assert all(isinstance(answer, Acknowledged) and answer.request == 1 for answer in answers[: len(streams)])
    assert {update.stream for update in updates(answers)} == set(streams) - ON_EVENTS
    came = updates(talk.run(20.0))
    assert {update.stream for update in came} == set(streams)
    assert len({(update.stream, update.key) for update in came}) == len(came) == 20 * len(streams)
    candles = {name for name in streams if "candle" in name}
    told = {update.stream for update in came if update.event_time is not None}
    assert told == set(streams) - candles - {"liquidation-orders:SWAP", "adl-warning:FUTURES", "instruments:SPOT"} - {
        *("opt-summary:BTC-USD", "status")
    }


def test_what_comes_at_once_is_what_the_dialect_waits_for() -> None:
    for dialect, streams in ((PUBLIC, STREAMS), (BUSINESS, OF_BUSINESS)):
        assert not ON_EVENTS & {name for name in streams if dialect.patience(name).first is not None}


def test_trades_and_books_join() -> None:
    talk = talk_of("trades:A-B", "books:A-B")
    talk.run(7.0)
    came = [*updates(talk.subscribe("trades:A-B", "books:A-B")), *updates(talk.run(30.0))]
    for stream in ("trades:A-B", "books:A-B"):
        mine = [update for update in came if update.stream == stream]
        assert len(mine) >= 30
        assert {later.joins(earlier) for earlier, later in pairwise(mine)} == {True}
    books = [update for update in came if update.stream == "books:A-B"]
    assert [json.loads(update.text)["action"] for update in books] == ["snapshot"] + ["update"] * 30
    assert books[5].joins(books[3]) is False


def test_the_book_that_changes_make_is_the_one_that_is_shown() -> None:
    talk = talk_of("books:A-B", "books5:A-B")
    talk.subscribe("books:A-B", "books5:A-B")
    talk.run(60.0)
    sides: dict[str, dict[str, str]] = {"asks": {}, "bids": {}}
    made: dict[int, list[tuple[str, str]]] = {}
    shown: dict[int, list[tuple[str, str]]] = {}
    for update in updates(talk.readings):
        (data,) = update.json()
        if update.stream == "books5:A-B":
            shown[data["seqId"]] = [(at, amount) for side in sides for at, amount, *_ in data[side]]
            continue
        for side, levels in sides.items():
            levels.update((at, amount) for at, amount, *_ in data[side])
        best = {side: sorted(levels, key=float, reverse=side == "bids")[:5] for side, levels in sides.items()}
        made[data["seqId"]] = [(at, sides[side][at]) for side in sides for at in best[side]]
    assert len(made) == 61
    assert made == shown


def test_unsubscribed_streams_fall_silent() -> None:
    talk = talk_of(*STREAMS)
    talk.subscribe(*STREAMS)
    assert acknowledged(talk.unsubscribe(*STREAMS)) == list(STREAMS)
    assert updates(talk.run(10.0)) == []


def test_what_does_not_exist_is_refused_alone() -> None:
    talk = talk_of("trades:BTC-USDT", service=Okx(instruments=["BTC-USDT"]))
    answers = talk.subscribe("trades:BTC-USDT", "books:NO-PE", "tickers:BTC-USDT")
    assert acknowledged(answers) == ["trades:BTC-USDT", "tickers:BTC-USDT"]
    assert refused(answers) == ["books:NO-PE"]
    assert all(isinstance(one, Acknowledged | Refused) and one.request == 1 for one in controls(answers))


@pytest.mark.parametrize(("target", "stream"), [("public", "candle1m:A-B"), ("business", "trades:A-B")])
def test_a_channel_of_the_other_url_is_refused(target: str, stream: str) -> None:
    talk = Talk(PUBLIC, Okx(), [stream], f"/ws/v5/{target}")
    assert refused(talk.subscribe(stream)) == [stream]


def test_who_asks_again_gets_no_second_snapshot() -> None:
    talk = talk_of("books:A-B")
    assert len(updates(talk.subscribe("books:A-B"))) == 1
    again = talk.subscribe("books:A-B")
    assert (acknowledged(again), updates(again)) == (["books:A-B"], [])
    talk.unsubscribe("books:A-B")
    assert len(updates(talk.subscribe("books:A-B"))) == 1


def test_pings_keep_a_connection_without_streams() -> None:
    talk = talk_of()
    for _ in range(10):
        talk.run(PUBLIC.limits.ping_every or 0.0)
        assert talk.say(PUBLIC.ping(5)) == [Heartbeat()]
    talk.run(29.5)
    assert talk.closed_by is None
    talk.run(0.5)
    assert talk.closed_by == "idle"
    (close,) = [event for event in talk.client.events if isinstance(event, CloseConnection)]
    assert (close.code, close.reason) == (4004, "No data received in 30s")


def test_ping_frames_do_not() -> None:
    talk = talk_of()
    talk.client.send(Ping(), 20.0).tick(30.0)
    assert talk.closed_by == "idle"


def test_a_stream_that_brings_nothing_needs_pings_too() -> None:
    talk = talk_of("trades:A-B", rate=0.001)
    talk.subscribe("trades:A-B")
    talk.run(31.0)
    assert talk.closed_by == "idle"


def test_an_hour_has_480_requests() -> None:
    talk = talk_of("trades:A-B")
    texts = [PUBLIC.subscribe(["trades:A-B"], number) for number in range(1, 482)]
    answers = [talk.say(text)[0] for text in texts]
    assert all(isinstance(answer, Acknowledged) for answer in answers[:480])
    assert answers[480] == Notice("Requests too frequent (code 60014)")
    assert talk.say("ping") == [Heartbeat()]
    talk.run(3599.0)
    assert isinstance(talk.say(texts[0])[0], Notice)
    talk.run(1.0)
    assert isinstance(talk.say(texts[0])[0], Acknowledged)


def test_a_request_that_is_too_long_is_the_last_one() -> None:
    talk = talk_of("trades:A-B")
    talk.client.send(TextMessage("x" * 65_537), 1.0)
    (close,) = [event for event in talk.client.events if isinstance(event, CloseConnection)]
    assert close.code == 1009


def test_an_address_may_dial_three_times_a_second() -> None:
    assert Okx().rules.dial_limit == (3, 1.0, None)


def test_the_end_is_announced() -> None:
    rules = Rules(max_age=100.0, notice=Okx.NOTICE, notice_before=60.0)
    talk = talk_of(rules=rules)
    assert talk.run(39.0) == []
    (notice,) = talk.run(1.0)
    assert isinstance(notice, Notice)
    assert notice.going_away


@pytest.mark.parametrize(
    "request_text",
    [
        *("", "x", "[]", "{}", "[" * 9999, '{"op":"fly","args":[]}', '{"op":"subscribe"}', '{"id":7,"op":"subscribe"}'),
        *('{"op":"subscribe","args":["trades:A-B"]}', '{"op":"subscribe","args":[{}]}', '{"op":"subscribe","args":[]}'),
        *(
            '{"op":"subscribe","args":[{"channel":["x"]}]}',
            '{"op":"subscribe","args":[{"channel":"trades"}]}',
            '{"op":"subscribe","args":[{"channel":"trades","instId":7}]}',
            '{"op":"subscribe","args":[{"channel":"candle","instId":"A-B"}]}',
            '{"op":"subscribe","args":[{"channel":"candle7x","instId":"A-B"}]}',
            '{"op":"subscribe","args":[{"channel":"trades","uly":"A-B"}]}',
        ),
    ],
)
def test_whatever_is_asked_is_answered(request_text: str) -> None:
    (answer,) = talk_of("trades:A-B").say(request_text)
    assert isinstance(answer, Refused)


def test_there_is_nothing_elsewhere() -> None:
    assert Okx().asked_by("/ws/v5/private") is None
    assert Okx().asked_by("/ws/v5/public?x") == []
