"""A simulated Binance: it speaks as documented, and the dialect understands it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from wsproto.events import CloseConnection, Ping

from dialects.samples import binance as samples
from dialects.talk import Talk, controls, updates
from holdfast.dialects import binance
from holdfast.dialects.binance import BinanceUpdate
from holdfast.dialects.models import DepthUpdate, Kline, Trade
from holdfast.dialects.words import Acknowledged, Listed, Notice, Refused
from holdfast.testing import Exchange, Publication, Rules, Stream, Write
from holdfast.testing.services.binance import BinanceSpot, BinanceUsdm
from testing.link import PlainClient

MARKETS = {"spot": samples.SPOT, "usdm": samples.USDM}
TARGETS = {"spot": "/stream", "public": "/public/stream", "market": "/market/stream"}
STREAMS = {"spot": tuple(samples.SPOT)} | {
    route: tuple(stream for stream in samples.USDM if binance.usdm_route(stream) == route)
    for route in ("public", "market")
}


def talk_of(place: str, *streams: str, target: str = "", rate: float = 1.0, rules: Rules | None = None) -> Talk:
    dialect = binance.spot().dialect if place == "spot" else binance.usdm(route=place).dialect
    service = BinanceSpot() if place == "spot" else BinanceUsdm()
    return Talk(dialect, service, streams, target or TARGETS[place], rate=rate, rules=rules)


def shape(value: Any) -> Any:
    """The fields of a message, without its values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else list
    return type(value) if value is not None else str


MORE = {"ps", "st", "X", "nq"}  # futures grew them in 2026, or not on all connections


def known(fields: Any) -> Any:
    return (
        {name: known(inner) for name, inner in fields.items() if name not in MORE}
        if isinstance(fields, dict)
        else fields
    )


# Messages


@pytest.mark.parametrize(("market", "stream"), [(market, stream) for market in MARKETS for stream in MARKETS[market]])
def test_messages_have_the_fields_that_are_documented(market: str, stream: str) -> None:
    service = BinanceSpot() if market == "spot" else BinanceUsdm()
    told = json.loads(service.message(Publication(stream, 7, 3.0), 1_779_000_000.25))
    assert told["stream"] == stream
    made, documented = shape(told["data"]), shape(MARKETS[market][stream])
    if isinstance(made, list):
        made, documented = made[0], documented[0]
    if "continuousKline" in stream:
        assert made.pop("ps") is documented.pop("ps") is str
    assert known(made) == known(documented)


@pytest.mark.parametrize("place", STREAMS)
def test_every_stream_is_asked_for_acknowledged_listed_delivered_and_unsubscribed(place: str) -> None:
    streams = STREAMS[place]
    talk = talk_of(place, *streams)
    assert talk.readings == []
    assert talk.subscribe(*streams) == [Acknowledged(1)]
    assert talk.say(talk.dialect.list_streams(7) or "") == [Listed(frozenset(streams), 7)]
    came = updates(talk.run(20.0))
    assert {update.stream for update in came} == set(streams)
    assert len(came) == 20 * len(streams)
    assert len({(update.stream, update.key) for update in came}) == len(came)
    assert talk.unsubscribe(*streams[1:]) == [Acknowledged(2)]
    assert {update.stream for update in updates(talk.run(20.0))} == {streams[0]}
    assert talk.say(talk.dialect.list_streams(8) or "") == [Listed(frozenset(streams[:1]), 8)]


@pytest.mark.parametrize("place", STREAMS)
def test_every_message_can_be_made_sense_of(place: str) -> None:
    """As to its time, and where there is a model for it, as to that."""
    talk = talk_of(place, *STREAMS[place])
    talk.subscribe(*STREAMS[place])
    for update in updates(talk.run(3.0)):
        assert isinstance(update, BinanceUpdate)
        assert update.stream is not None
        kind = update.MARKET.kind(update.stream)
        assert kind is not None
        if kind.time is not None:
            assert update.event_time == pytest.approx(1_700_000_000.0 + talk.now, abs=3.0)
        assert bool(update.typed()) is (kind.payload is not None), update


def _text(frame: bytes) -> str:
    """Of one short frame, as servers send them."""
    return frame[4 if frame[1] == 126 else 2 :].decode()


NUMBERED = {"spot": ("trade", "aggTrade", "depth", "depth@100ms"), "market": ("aggTrade",)}
NUMBERED |= {"public": ("trade", "depth", "depth@500ms", "rpiDepth@500ms")}


@pytest.mark.parametrize("place", STREAMS)
def test_numbers_prove_that_nothing_is_missing_on_whichever_connection(place: str) -> None:
    streams = [f"btcusdt@{kind}" for kind in NUMBERED[place]]
    talk = talk_of(place, *streams)
    talk.subscribe(*streams)
    talk.run(5.0)
    PlainClient(talk.exchange, talk.now, conn=2).open(f"{TARGETS[place]}?streams={'/'.join(streams)}", talk.now)
    talk.exchange.tick(talk.now + 5.0)
    written = [command for command in talk.exchange.take_commands() if isinstance(command, Write)]
    first, second = ([command.data for command in written if command.conn == conn] for conn in (1, 2))
    assert first == second
    assert len(first) == 5 * len(streams)
    came = [*updates(talk.readings), *updates(talk.dialect.read(_text(frame)) for frame in first)]
    for stream in streams:
        mine = [update for update in came if update.stream == stream]
        assert [later.joins(earlier) for earlier, later in pairwise(mine)] == [True] * 9
        assert [later.joins(earlier) for earlier, later in zip(mine, mine[2:], strict=False)] == [False] * 8


def test_the_first_candle_after_an_interval_tells_that_it_is_closed() -> None:
    talk = talk_of("spot", "btcusdt@kline_1m", "btcusdt@kline_1d@+08:00", rate=0.5, rules=Rules())
    talk.subscribe("btcusdt@kline_1m", "btcusdt@kline_1d@+08:00")
    told = [model for update in updates(talk.run(180.0)) for model in update.typed()]
    minutes = [model for model in told if isinstance(model, Kline) and model.interval == "1m"]
    assert [model.open_time % 60 for model in minutes] == [0.0] * 90
    assert sum(model.closed is True for model in minutes) == 3
    closed = next(model for model in minutes if model.closed)
    assert closed.close_time == closed.open_time + 59.999
    days = [model for model in told if isinstance(model, Kline) and model.interval == "1d"]
    assert {model.open_time % 86400 for model in days} == {16 * 3600.0}


def test_a_book_of_spot_can_be_kept() -> None:
    """The changes make of one top the next one."""
    talk = talk_of("spot", "btcusdt@depth20", "btcusdt@depth")
    talk.subscribe("btcusdt@depth", "btcusdt@depth20")
    sides: tuple[dict[Any, Any], dict[Any, Any]] | None = None
    compared = state = 0
    for update in updates(talk.run(60.0)):
        (model,) = update.typed()
        assert isinstance(model, DepthUpdate)
        if model.snapshot:
            if sides is not None:
                assert (sides, model.last_id) == ((dict(model.bids), dict(model.asks)), state)
                compared += 1
            sides = dict(model.bids), dict(model.asks)
        elif sides is not None:
            assert model.first_id == state + 1
            for side, levels in zip(sides, (model.bids, model.asks), strict=True):
                side.update(levels)
        state = model.last_id or 0
    assert compared > 50


def test_some_numbers_of_futures_are_spent_without_a_trade() -> None:
    talk = talk_of("public", "btcusdt@trade")
    talk.subscribe("btcusdt@trade")
    trades = [update.typed() for update in updates(talk.run(20.0))]
    assert [len(models) for models in trades].count(0) == 2
    assert all(isinstance(model, Trade) for models in trades for model in models)


# Requests


NOT_UNDERSTOOD = [
    ("x", "Invalid JSON: expected value at line 1 column 1 (code 3)"),
    ("[1]", "Invalid JSON"),
    ("[" * 3000, "Invalid JSON"),
    ('{"params":[],"id":1}', "Invalid request: missing field `method` at line 1 column 20 (code 2)"),
    ('{"method":"subscribe","params":[],"id":1}', "unknown variant `subscribe`, expected one of `SUBSCRIBE`, `UNSUB"),
    ('{"method":"SUBSCRIBE","params":[],"id":1.5}', "request ID must be an unsigned integer"),
    ('{"method":"SUBSCRIBE","params":[],"id":true}', "request ID must be an unsigned integer"),
    ('{"method":"SUBSCRIBE","params":[],"id":"a b"}', "request ID must be an unsigned integer"),
    ('{"method":"SUBSCRIBE","id":1}', "missing field `params`"),
    ('{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', "expected a sequence"),
    ('{"method":"SUBSCRIBE","params":[1],"id":1}', "Invalid request"),
    ('{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}', "too many parameters"),
    ('{"method":"GET_PROPERTY","params":["combined","a"],"id":1}', "too many parameters"),
    ('{"method":"GET_PROPERTY","params":[1],"id":1}', "property name must be a string"),
    ('{"method":"GET_PROPERTY","params":["a"],"id":1}', "Unknown property (code 0)"),
    ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', "Invalid value type: expected Boolean (code 1)"),
    ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', "Invalid value type: expected Boolean (code 1)"),
]


@pytest.mark.parametrize("place", ["spot", "market"])
@pytest.mark.parametrize(("text", "reason"), NOT_UNDERSTOOD)
def test_a_wrong_request_is_refused_in_the_words_of_the_service(place: str, text: str, reason: str) -> None:
    (refused,) = talk_of(place, "btcusdt@aggTrade").say(text)
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert refused.request == (1 if place == "spot" and '"id":1}' in text else None), "futures do not say which"


def test_properties_and_numbers_of_other_kinds() -> None:
    spot = talk_of("spot", "btcusdt@trade")
    assert spot.say('{"method":"SET_PROPERTY","params":["combined",true],"id":5}') == [Acknowledged(5)]
    spot.say('{"method":"GET_PROPERTY","params":["combined"],"id":2}')
    assert spot.client.texts[-1] == '{"result":true,"id":2}'
    for ident, echo in (("null", None), ('"abc9"', "abc9"), ("-7", -7)):
        spot.say(f'{{"method":"SUBSCRIBE","params":[],"id":{ident}}}')
        assert json.loads(spot.client.texts[-1]) == {"result": None, "id": echo}
        (refused,) = talk_of("market", "btcusdt@aggTrade").say(f'{{"method":"SUBSCRIBE","params":[],"id":{ident}}}')
        assert isinstance(refused, Refused)


def test_a_request_that_is_too_long_is_not_answered() -> None:
    talk = talk_of("spot", "btcusdt@trade")
    names = [f"symbol{number:04}usdt@trade" for number in range(400)]
    assert talk.say(talk.dialect.subscribe(names, 1)) == []
    assert talk.say(talk.dialect.list_streams(2) or "") == [Listed(frozenset(), 2)]
    assert len(talk.subscribe(*names)) == len(list(talk.dialect.batches(names))) == 3


def test_what_means_nothing_is_acknowledged_and_silent() -> None:
    names = ("BTCUSDT@trade", "nosuchusdt@trade", "btcusdt@trades")
    talk = talk_of("spot", "btcusdt@trade")
    assert talk.subscribe(*names) == [Acknowledged(1)]
    assert talk.run(60.0) == []
    assert talk.say(talk.dialect.list_streams(2) or "") == [Listed(frozenset(names), 2)]


@pytest.mark.parametrize("by_url", [False, True])
@pytest.mark.parametrize(
    ("target", "comes"), [("/public/stream", "public"), ("/stream", "public"), ("/market/stream", "market")]
)
def test_a_stream_of_the_other_route_is_acknowledged_and_silent(target: str, comes: str, *, by_url: bool) -> None:
    every = STREAMS["public"] + STREAMS["market"]
    url = f"{target}?streams={'/'.join(every)}" if by_url else target
    talk = talk_of("market", *every, target=url)
    if not by_url:
        assert talk.subscribe(*every) == [Acknowledged(1)]
    assert talk.say(talk.dialect.list_streams(2) or "") == [Listed(frozenset(every), 2)]
    assert {update.stream for update in updates(talk.run(2.0))} == set(STREAMS[comes])
    assert talk.unsubscribe(*every)[-1:] == [Acknowledged(talk.requests)]
    assert talk.say(talk.dialect.list_streams(9) or "") == [Listed(frozenset(), 9)]


def test_more_streams_than_allowed_are_refused_as_the_market_does() -> None:
    rules = Rules(max_streams=2)
    spot = talk_of("spot", "a@trade", "b@trade", "c@trade", rules=rules)
    assert spot.subscribe("a@trade", "b@trade") == [Acknowledged(1)]
    assert spot.subscribe("c@trade") == [Refused("Too many subscriptions (code 4)", 2)]
    assert spot.say(spot.dialect.list_streams(3) or "") == [Listed(frozenset({"a@trade", "b@trade"}), 3)]
    futures = talk_of("market", "a@aggTrade", rules=rules)
    assert futures.subscribe("a@aggTrade", "b@aggTrade", "c@aggTrade") == []
    (close,) = [event for event in futures.client.events if isinstance(event, CloseConnection)]
    assert (close.code, close.reason) == (1008, "subscribed channels exceeds limit")


def test_where_there_is_something() -> None:
    spot, futures = BinanceSpot(), BinanceUsdm()
    assert spot.asked_by("/stream") == spot.asked_by("/stream/") == []
    assert spot.asked_by("/stream?timeUnit=x&streams=a@trade/b@kline_1d@%2B08:00") == ["a@trade", "b@kline_1d@+08:00"]
    assert spot.asked_by("/ws") is spot.asked_by("/public/stream") is futures.asked_by("/private/stream") is None
    assert futures.asked_by("/market/stream?streams=!ticker@arr") == ["!ticker@arr"]


# Rules


@pytest.mark.parametrize(("place", "limit"), [("spot", 5), ("market", 10)])
def test_the_message_that_is_one_too_many_costs_the_connection(place: str, limit: int) -> None:
    talk = talk_of(place, "btcusdt@aggTrade")
    for number in range(limit - 1):
        talk.say(talk.dialect.list_streams(number + 1) or "")
    talk.client.send(Ping(), talk.now)
    assert talk.closed_by is None
    talk.say(talk.dialect.list_streams(99) or "")
    assert talk.closed_by == "message_limit"


@pytest.mark.parametrize(("place", "seconds"), [("spot", 80.0), ("market", 780.0)])
def test_who_answers_no_ping_is_cut(place: str, seconds: float) -> None:
    talk = talk_of(place, "btcusdt@aggTrade", rate=0.01)
    talk.run(seconds - 0.5)
    assert talk.closed_by is None
    talk.run(0.5)
    assert talk.closed_by == "pong_timeout"


def test_a_day_is_the_end_and_spot_says_so() -> None:
    rules = BinanceSpot.rules
    talk = talk_of(
        "spot", "btcusdt@trade", rate=0.001, rules=Rules(max_age=86_400.0, notice=rules.notice, notice_before=60)
    )
    assert (rules.max_age, rules.max_age_code) == (86_400.0, 1001)
    talk.subscribe("btcusdt@trade")
    assert controls(talk.run(86_339.0)) == []
    (notice,) = controls(talk.run(2.0))
    assert isinstance(notice, Notice)
    assert notice.going_away
    talk.run(60.0)
    assert talk.closed_by == "max_age"
    assert BinanceUsdm.rules.notice is None


def test_dials_are_limited() -> None:
    exchange = Exchange([Stream("btcusdt@trade", 1)], service=BinanceSpot())
    exchange.start(0.0)
    opened = [PlainClient(exchange, 0.5, conn).open("/stream", 0.5).is_open for conn in range(301)]
    assert opened == [True] * 300 + [False]
    exchange.tick(300.5)
    exchange.take_commands()
    assert PlainClient(exchange, 301.0, 400).open("/stream", 301.0).is_open
