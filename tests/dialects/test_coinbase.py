"""Coinbase Advanced Trade: names, requests, what its messages mean, and a whole conversation with a simulated one."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import CloseConnection, TextMessage

from dialects.samples import coinbase as samples
from dialects.talk import Talk, updates
from holdfast import Cause, ConfigError, Failure
from holdfast.dialects import coinbase
from holdfast.dialects.words import Heartbeat, Listed, Reading, Refused, Update
from holdfast.testing.services.coinbase import Coinbase
from testing.link import PlainClient

DIALECT = coinbase.CoinbaseDialect()
STREAMS = tuple(stream for stream, _ in samples.UPDATES)
ALWAYS = DIALECT.limits.always


def update_of(message: str | bytes) -> coinbase.CoinbaseUpdate:
    update = DIALECT.read(message)
    assert isinstance(update, coinbase.CoinbaseUpdate)
    return update


# Names


@pytest.mark.parametrize(
    ("stream", "advice"),
    [
        ("BTC-USD", "'market_trades:BTC-USD'"),
        ("btc-usd", "'market_trades:BTC-USD'"),
        ("trades:BTC-USD", "channels are market_trades,"),
        ("Level2:BTC-USD", "level2:BTC-USD"),
        ("l2_data:BTC-USD", "'level2:BTC-USD'"),
        ("level2", "'level2:BTC-USD'"),
        ("level2:btc-usd", "'level2:BTC-USD'"),
        ("level2:BTC/USD", "'level2:BTC-USD'"),
        ("level2:BTCUSD", "BTC-USD"),
        ("level2:BTC-USD,ETH-USD", "one at a time"),
        ("ticker:BTC-USDC", "'ticker:BTC-USD'"),
        ("heartbeats", "leave it out"),
        ("", "market_trades:BTC-USD"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_one(stream: str, advice: str) -> None:
    with pytest.raises(ConfigError) as error:
        coinbase.advanced(stream)
    assert repr(stream) in str(error.value)
    assert advice in str(error.value).removeprefix(repr(stream))


@pytest.mark.parametrize("stream", [*STREAMS, "ticker:USDT-USDC", "level2:BTC-PERP-INTX", "ticker:BIT-28NOV25-CDE"])
def test_right_names_pass(stream: str) -> None:
    assert coinbase.advanced(stream).streams == (stream,)


def test_names_can_be_made() -> None:
    made = (coinbase.market_trades("A-B"), coinbase.ticker("A-B"), coinbase.ticker_batch("A-B"), coinbase.level2("A-B"))
    assert made == ("market_trades:A-B", "ticker:A-B", "ticker_batch:A-B", "level2:A-B")
    assert (coinbase.candles("A-B"), coinbase.status("A-B")) == ("candles:A-B", "status:A-B")


def test_the_url() -> None:
    assert coinbase.advanced().source == "wss://advanced-trade-ws.coinbase.com"
    assert coinbase.advanced(endpoint="ws://localhost:1/").source == "ws://localhost:1/"
    assert Coinbase().asked_by("/ws") is None


# Requests


def test_a_request_is_for_one_channel() -> None:
    batches = [list(batch) for batch in DIALECT.batches(("heartbeats", "level2:A-B", "ticker:A-B", "level2:C-D"))]
    assert batches == [["heartbeats"], ["level2:A-B", "level2:C-D"], ["ticker:A-B"]]
    many = [f"ticker:A{number}-USD" for number in range(250)]
    assert [len(batch) for batch in DIALECT.batches(many)] == [100, 100, 50]


def test_what_a_request_says() -> None:
    asked = json.loads(DIALECT.subscribe(["level2:A-B", "level2:C-D"], 3))
    assert asked == {"type": "subscribe", "product_ids": ["A-B", "C-D"], "channel": "level2"}
    taken_back = json.loads(DIALECT.unsubscribe(["ticker:A-B"], 3))
    assert taken_back == {"type": "unsubscribe", "product_ids": ["A-B"], "channel": "ticker"}
    assert json.loads(DIALECT.subscribe(ALWAYS, 1)) == {"type": "subscribe", "channel": "heartbeats"}
    assert DIALECT.list_streams(1) is None
    assert DIALECT.ping(1) is None


# Reading


def in_all_forms(message: str) -> list[str | bytes]:
    return [message, message.replace(":", ": ", 1), message.encode()]


FORMS = [(stream, form) for stream, message in samples.UPDATES for form in in_all_forms(message)]


@pytest.mark.parametrize(("stream", "message"), FORMS)
def test_updates_are_told_by_their_streams(stream: str, message: str | bytes) -> None:
    update = update_of(message)
    assert (update.stream, update.text, update.further_streams) == (stream, message, ())
    assert update.json() == json.loads(message)["events"]
    assert update.position == json.loads(message)["sequence_num"]
    assert update.event_time == pytest.approx(1772619630.25, abs=1e-5)


@pytest.mark.parametrize("message", [samples.TRADES, samples.BOOK])
def test_data_is_what_the_envelope_holds(message: str) -> None:
    assert json.loads(update_of(message).data) == json.loads(message)["events"]


@pytest.mark.parametrize(
    ("message", "streams"),
    [
        (samples.BOOKS_OF_TWO, ("level2:BTC-USD", "level2:ETH-USD")),
        (samples.TRADES_OF_TWO, ("market_trades:ETH-EUR", "market_trades:BTC-EUR")),
    ],
)
def test_several_streams_may_share_a_message(message: str, streams: tuple[str, ...]) -> None:
    update = update_of(message)
    assert (update.stream, *update.further_streams) == streams
    wide = update_of(message.replace('":', '": '))
    assert (wide.stream, *wide.further_streams) == streams


def test_trades_show_that_nothing_is_missing_and_prove_no_loss() -> None:
    first, second, afresh = map(update_of, (samples.TRADES, samples.NEXT_TRADE, samples.TRADES_AFRESH))
    later = update_of(samples.NEXT_TRADE.replace("7003", "7005"))
    assert second.joins(first) is True
    assert afresh.joins(first) is True
    assert later.joins(first) is None
    assert first.joins(later) is None
    assert update_of(samples.TRADES_OF_TWO).joins(second) is None
    assert len({one.key for one in (first, second, afresh, later)}) == 4


@pytest.mark.parametrize("message", [samples.TRADES, samples.TICKER, samples.TICKER_BATCH, samples.CANDLES])
def test_a_copy_from_another_connection_has_the_same_key(message: str) -> None:
    position = json.loads(message)["sequence_num"]
    copy = update_of(message.replace(f'"sequence_num":{position}', '"sequence_num":99'))
    assert copy.key == update_of(message).key
    other = update_of(message.replace("0.5", "0.6").replace("7001", "7000"))
    assert other.key != copy.key


def test_what_no_channel_explains_is_handed_on_with_its_position() -> None:
    message = '{"channel":"futures","sequence_num":8,"events":[]}'
    update = update_of(message)
    assert (update.stream, update.position, update.further_streams, update.key) == (None, 8, (), message)


@pytest.mark.parametrize(
    ("message", "reading"),
    [
        (samples.HEARTBEAT, Heartbeat(41)),
        (samples.HEARTBEAT_WITHOUT_CLIENT, Heartbeat(41)),
        (samples.HEARTBEAT.replace(":", ": "), Heartbeat(41)),
        (
            samples.SUBSCRIPTIONS,
            Listed(
                frozenset({"heartbeats", "level2:BTC-USD", "market_trades:BTC-USD", "market_trades:ETH-EUR"}),
                position=6,
            ),
        ),
        (samples.NO_SUBSCRIPTIONS, Listed(frozenset(), position=7)),
        (samples.NOT_KNOWN, Refused("authentication failure")),
        (samples.TOO_MANY_BOOKS, Refused("too many L2 streams requested in a single session")),
    ],
)
def test_what_is_no_data(message: str, reading: object) -> None:
    assert DIALECT.read(message) == reading


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHANNELS = st.sampled_from(
    ["market_trades", "ticker", "l2_data", "candles", "status", "heartbeats", "subscriptions", "x"]
)
FIELDS = [
    "trades",
    "tickers",
    "updates",
    "candles",
    "products",
    "product_id",
    "id",
    "trade_id",
    "time",
    "subscriptions",
]
EVENTS = st.lists(
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON)))
)
LIKE_IT = st.builds(
    lambda channel, number, events: json.dumps({"channel": channel, "sequence_num": number, "events": events}),
    CHANNELS,
    JSON,
    EVENTS | JSON,
)
CUT = st.builds(lambda pair, end: pair[1][:end], st.sampled_from(samples.UPDATES), st.integers(0, 300))
ANY = LIKE_IT | CUT | st.text() | st.binary() | JSON.map(json.dumps) | st.just("[" * 99_999) | st.just('{"channel":"')


@given(message=ANY, before=ANY)
def test_nothing_that_comes_raises(message: str | bytes, before: str | bytes) -> None:
    reading, earlier = DIALECT.read(message), DIALECT.read(before)
    if isinstance(reading, Update):
        assert reading.text == message
        hash(reading.key)
        assert reading.event_time is None or isinstance(reading.event_time, float)
        assert reading.position is None or reading.position >= 0
        assert all(isinstance(stream, str) for stream in reading.further_streams)
        assert not isinstance(earlier, Update) or reading.joins(earlier) in (True, False, None)
        _ = reading.data
        try:
            reading.json()
            reading.typed()
        except ValueError:
            pass


# Limits


def test_room_is_left_for_other_feeds_of_an_address() -> None:
    message_window, dial_window = DIALECT.limits.message_window, DIALECT.limits.dial_window
    assert message_window is not None
    assert dial_window is not None
    assert message_window.count < 8
    assert dial_window.count < 8
    assert DIALECT.verdict(Failure(Cause.EOF)) is None


def test_every_channel_begins_with_a_snapshot() -> None:
    assert all(DIALECT.patience(stream).first is not None for stream in STREAMS)
    assert all(DIALECT.patience(stream).silence is None for stream in STREAMS)
    assert DIALECT.patience("heartbeats").first is None


# A conversation


def talk_of(*streams: str, service: Coinbase | None = None) -> Talk:
    return Talk(DIALECT, service or Coinbase(), streams, "/")


def listed(readings: list[Reading]) -> frozenset[str]:
    """The last list among these."""
    return [reading for reading in readings if isinstance(reading, Listed)][-1].streams


def test_every_stream_is_asked_for_listed_and_delivered() -> None:
    talk = talk_of(*STREAMS)
    talk.subscribe(*ALWAYS)
    answers = talk.subscribe(*STREAMS)
    assert listed(answers) == {*ALWAYS, *STREAMS}
    assert {update.stream for update in updates(answers)} == set(STREAMS)
    came = updates(talk.run(20.0))
    assert {update.stream for update in came} == set(STREAMS)
    assert len({(update.stream, update.key) for update in came}) == len(came) == 120
    trades = [update for update in updates(talk.readings) if update.stream == "market_trades:ETH-EUR"]
    assert [later.joins(earlier) for earlier, later in pairwise(trades)] == [True] * 20


def test_positions_have_no_hole_whatever_comes() -> None:
    talk = talk_of(*STREAMS)
    talk.subscribe(*ALWAYS, *STREAMS)
    talk.say('{"type":"subscribe","channel":"full"}')
    talk.run(1.0)
    talk.unsubscribe(STREAMS[0])
    talk.run(3.0)
    assert Refused("authentication failure") in talk.readings
    counted = [one.position for one in talk.readings if isinstance(one, Update | Listed | Heartbeat)]
    assert counted == list(range(len(talk.readings) - 1))


def test_books_asked_for_together_come_in_one_message() -> None:
    talk = talk_of("level2:BTC-USD", "level2:ETH-USD")
    (books,) = updates(talk.subscribe("level2:BTC-USD", "level2:ETH-USD"))
    assert (books.stream, *books.further_streams) == ("level2:BTC-USD", "level2:ETH-USD")


def test_the_book_of_the_simulated_service_is_what_its_changes_make_of_it() -> None:
    talk = talk_of("level2:BTC-USD")
    talk.subscribe(*ALWAYS, "level2:BTC-USD")
    talk.run(30.0)
    sides: dict[str, dict[str, str]] = {"bid": {}, "offer": {}}
    for update in updates(talk.readings):
        for level in update.json()[0]["updates"]:
            sides[level["side"]][level["price_level"]] = level["new_quantity"]
    afresh: dict[str, dict[str, str]] = {"bid": {}, "offer": {}}
    talk.unsubscribe("level2:BTC-USD")
    (book,) = updates(talk.subscribe("level2:BTC-USD"))
    for level in book.json()[0]["updates"]:
        afresh[level["side"]][level["price_level"]] = level["new_quantity"]
    assert sides == afresh


def test_unsubscribed_streams_fall_silent() -> None:
    talk = talk_of(*STREAMS)
    talk.subscribe(*ALWAYS, *STREAMS)
    talk.run(1.0)  # as many requests as there may be in a second
    assert listed(talk.unsubscribe(*STREAMS)) == set(ALWAYS)
    assert updates(talk.run(10.0)) == []


def test_a_product_that_does_not_exist_is_left_out_of_the_list() -> None:
    talk = talk_of("ticker:BTC-USD", service=Coinbase(products=["BTC-USD"]))
    assert listed(talk.subscribe("ticker:BTC-USD", "ticker:NO-PE")) == {"ticker:BTC-USD"}
    assert talk.subscribe("ticker:NO-PE")[-1] == Listed(frozenset({"ticker:BTC-USD"}), position=2)


def test_too_many_books_are_refused_and_none_of_them_is_given() -> None:
    talk = talk_of()
    assert len(listed(talk.subscribe(*[f"level2:A{number}-USD" for number in range(30)]))) == 30
    assert talk.subscribe("level2:B-USD") == [Refused("too many L2 streams requested in a single session")]
    assert len(listed(talk.subscribe("ticker:B-USD"))) == 31


def test_whoever_asks_for_nothing_is_cut() -> None:
    talk = talk_of()
    talk.run(4.9)
    assert talk.closed_by is None
    talk.run(0.2)
    assert talk.closed_by == "subscribe_within"


def test_a_quiet_connection_lives_by_heartbeats() -> None:
    talk = talk_of()
    talk.subscribe(*ALWAYS)
    assert len([one for one in talk.run(600.0) if isinstance(one, Heartbeat)]) == 600
    assert talk.closed_by is None
    quiet = talk_of()
    quiet.subscribe("ticker:BTC-USD")
    quiet.run(60.0)
    assert quiet.closed_by == "idle"


def test_requests_are_counted_for_all_connections_together() -> None:
    talk = talk_of()
    other = PlainClient(talk.exchange, 0.0, 2).open("/", 0.0)
    for _ in range(4):
        assert isinstance(talk.subscribe("ticker:BTC-USD")[-1], Listed)
        other.send(TextMessage(DIALECT.subscribe(ALWAYS, 1)), 0.0)
    assert [talk.exchange.open_connections, len(other.texts)] == [2, 4]
    assert talk.subscribe(*ALWAYS) == [Refused("rate limit exceeded")]
    assert [event.code for event in talk.client.events if isinstance(event, CloseConnection)] == [1008]
    other.send(TextMessage(DIALECT.subscribe(ALWAYS, 1)), 1.0)
    assert talk.exchange.open_connections == 1


@pytest.mark.parametrize("request_text", ["", "x", "[]", "{}", '{"type":"subscribe"}', "[" * 9999])
def test_whatever_is_asked_is_answered(request_text: str) -> None:
    (answer,) = talk_of().say(request_text)
    assert isinstance(answer, Refused)
