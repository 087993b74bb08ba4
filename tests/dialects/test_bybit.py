"""Bybit v5: names, requests, what its messages mean."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.samples import bybit as samples
from holdfast import Cause, ConfigError, Failure, FeedConfig, Fleet
from holdfast.dialects import bybit
from holdfast.dialects.words import Acknowledged, Heartbeat, Refused, Update
from holdfast.verdicts import Action

SPOT, LINEAR, INVERSE, OPTION = (bybit.public(name).dialect for name in ("spot", "linear", "inverse", "option"))
EVERY = [
    (dialect, stream, message)
    for dialect, pairs in ((SPOT, samples.SPOT), (LINEAR, samples.LINEAR), (OPTION, samples.OPTION))
    for stream, message in pairs
]


def update_of(message: str | bytes, dialect: object = LINEAR) -> bybit.BybitUpdate:
    assert isinstance(dialect, bybit.BybitDialect)
    update = dialect.read(message)
    assert isinstance(update, bybit.BybitUpdate)
    return update


# Names


@pytest.mark.parametrize(
    ("category", "stream", "advice"),
    [
        ("spot", "BTCUSDT", "'publicTrade.BTCUSDT'"),
        ("spot", "publictrade.BTCUSDT", "'publicTrade.BTCUSDT'"),
        ("spot", "trade.BTCUSDT", "'publicTrade.BTCUSDT'"),
        ("spot", "publicTrade:BTCUSDT", "'publicTrade.BTCUSDT'"),
        ("spot", "publicTrade", "'publicTrade.BTCUSDT'"),
        ("spot", "publicTrade.btcusdt", "'publicTrade.BTCUSDT'"),
        ("spot", "publicTrade.BTC-USDT", "'publicTrade.BTCUSDT'"),
        ("linear", "publicTrade.BTC/USDT", "'publicTrade.BTCUSDT'"),
        ("spot", "publicTrade.BTCUSDT,ETHUSDT", "one at a time"),
        ("spot", "orderbook.BTCUSDT", "one of 1, 50, 200, 1000, rpi, full: 'orderbook.1.BTCUSDT'"),
        ("spot", "orderbook.25.BTCUSDT", "'orderbook.1.BTCUSDT'"),
        ("spot", "orderbook.50.btcusdt", "'orderbook.50.BTCUSDT'"),
        ("spot", "orderbook.50", "'orderbook.50.BTCUSDT'"),
        ("spot", "kline.1m.ETHUSDT", "which interval, one of 1, 3, 5,"),
        ("spot", "kline.ETHUSDT", "'kline.1.ETHUSDT'"),
        ("spot", "allLiquidation.BTCUSDT", "linear and inverse have"),
        ("linear", "liquidation.BTCUSDT", "'allLiquidation.BTCUSDT'"),
        ("linear", "insurance.BTC", "'insurance.USDT' and 'insurance.USDC'"),
        ("inverse", "adlAlert.USDT", "'adlAlert.inverse'"),
        ("option", "publicTrade.BTC-26DEC25-90000-C", "'publicTrade.BTC'"),
        ("option", "orderbook.50.BTC-26DEC25-90000-C", "one of 25, 100: 'orderbook.25.BTC-26DEC25-90000-C'"),
        ("option", "kline.1.BTC", "spot and linear and inverse have"),
        ("spot", "", "'publicTrade.BTCUSDT'"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_one(category: str, stream: str, advice: str) -> None:
    with pytest.raises(ConfigError) as error:
        bybit.public(category, stream)
    assert repr(stream) in str(error.value)
    assert advice in str(error.value).removeprefix(repr(stream))


@pytest.mark.parametrize(("dialect", "stream", "_message"), EVERY)
def test_right_names_pass(dialect: bybit.BybitDialect, stream: str, _message: str) -> None:
    assert bybit.public(dialect.category, stream).streams == (stream,)


def test_contracts_have_names_of_more_than_letters() -> None:
    bybit.public("linear", "tickers.BTC-26DEC25", "tickers.1000PEPEUSDT", "tickers.BTCPERP")
    bybit.public("inverse", "insurance.inverse", "tickers.BTCUSDZ25")


def test_names_can_be_made() -> None:
    made = (bybit.public_trade("A"), bybit.orderbook("A"), bybit.orderbook("A", 1), bybit.tickers("A"))
    assert made == ("publicTrade.A", "orderbook.50.A", "orderbook.1.A", "tickers.A")
    assert (bybit.kline("A", 60), bybit.kline("A", "D"), bybit.all_liquidation("A")) == (
        "kline.60.A",
        "kline.D.A",
        "allLiquidation.A",
    )


def test_the_url_is_that_of_the_category() -> None:
    assert bybit.public("linear").source == "wss://stream.bybit.com/v5/public/linear"
    assert bybit.public("spot", endpoint="ws://localhost:1/").source == "ws://localhost:1/"
    assert (SPOT.name, OPTION.name) == ("bybit.spot", "bybit.option")
    with pytest.raises(ConfigError, match="'spot', 'linear', 'inverse', 'option'"):
        bybit.public("futures")


# Requests


def test_a_request_for_spot_has_ten_topics_at_most() -> None:
    many = [f"tickers.A{number}USDT" for number in range(25)]
    assert [len(batch) for batch in SPOT.batches([*many, "kline.1.AUSDT"])] == [10, 10, 6]
    assert [len(batch) for batch in LINEAR.batches(many * 5)] == [100, 25]


def test_what_a_request_says() -> None:
    asked = json.loads(SPOT.subscribe(["tickers.A", "kline.1.A"], 3))
    assert asked == {"req_id": "3", "op": "subscribe", "args": ["tickers.A", "kline.1.A"]}
    assert json.loads(SPOT.unsubscribe(["tickers.A"], 4)) == {"req_id": "4", "op": "unsubscribe", "args": ["tickers.A"]}
    assert json.loads(SPOT.ping(5) or "") == {"req_id": "5", "op": "ping"}
    assert SPOT.list_streams(1) is None


def test_a_connection_has_names_of_21000_characters() -> None:
    names = [f"orderbook.1000.A{number:04}USDT" for number in range(1000)]  # 24 characters each, and quotes and a comma
    for count, connections in ((777, 1), (778, 2)):
        config = FeedConfig.build(bybit.public("linear", *names[:count]), {})
        fleet = Fleet(config, random=Random(1), entropy=Random(1).randbytes)
        assert len(fleet.shards) == connections


# Reading


def in_all_forms(message: str) -> list[str | bytes]:
    return [message, message.replace(":", ": ", 1), message.encode(), '{"ts":1,' + message[1:]]


@pytest.mark.parametrize(("dialect", "stream", "message"), EVERY)
def test_updates_are_told_by_their_streams(dialect: bybit.BybitDialect, stream: str, message: str) -> None:
    for form in in_all_forms(message):
        update = update_of(form, dialect)
        assert (update.stream, update.text) == (stream, form)
        assert update.json() == json.loads(message)["data"]
        assert update.event_time == pytest.approx(1772619630.25, abs=1e-5)
    assert json.loads(update_of(message, dialect).data) == json.loads(message)["data"]


def test_updates_of_inverse_contracts_are_their_own() -> None:
    assert type(update_of(samples.TRADE, INVERSE)) is bybit.InverseUpdate
    assert type(update_of(samples.TRADE, LINEAR)) is bybit.BybitUpdate


def test_books_prove_that_nothing_is_missing() -> None:
    book, delta = update_of(samples.BOOK), update_of(samples.DELTA)
    later = update_of(samples.DELTA.replace("7002", "7004"))
    anew = update_of(samples.DELTA.replace("7002", "1"))
    assert delta.joins(book) is True
    assert later.joins(delta) is False
    assert delta.joins(later) is None
    assert (anew.joins(later), anew.joins(anew), book.joins(later)) == (None, None, None)
    assert update_of(samples.BOOK.replace("7001", "7010")).joins(delta) is None
    assert update_of(samples.DELTA.replace("7002", "2")).joins(anew) is True
    assert len({one.key for one in (book, delta, later, anew)}) == 4


def test_depth_1_and_options_prove_no_loss() -> None:
    best, other = update_of(samples.BEST), update_of(samples.BEST.replace("551", "553"))
    assert other.joins(best) is None
    book = update_of(samples.OPTION_BOOK, OPTION)
    later = samples.OPTION_BOOK.replace("7001", "7004").replace("snapshot", "delta")
    assert update_of(later, OPTION).joins(book) is None


@pytest.mark.parametrize(
    ("dialect", "message", "other"),
    [
        (LINEAR, samples.TRADE, samples.TRADE.replace("9e1", "9f1")),
        (LINEAR, samples.DELTA, samples.DELTA.replace("7002", "7003")),
        (LINEAR, samples.BOOK, samples.BOOK.replace("snapshot", "delta")),
        (LINEAR, samples.BEST, samples.BEST.replace("551", "552")),
        (LINEAR, samples.TICKER, samples.TICKER.replace("4402", "4403")),
        (LINEAR, samples.KLINE, samples.KLINE.replace("30250", "30251")),
        (LINEAR, samples.LIQUIDATION, samples.LIQUIDATION.replace("30250", "30251")),
        (OPTION, samples.OPTION_TICKER, samples.OPTION_TICKER.replace("8802", "8803")),
    ],
)
def test_copies_have_the_same_key_and_others_another(dialect: bybit.BybitDialect, message: str, other: str) -> None:
    """The order of fields is not promised."""
    copy = json.dumps(dict(reversed(json.loads(message).items())))
    assert update_of(copy, dialect).key == update_of(message, dialect).key
    assert update_of(other, dialect).key != update_of(message, dialect).key


@pytest.mark.parametrize(
    ("message", "reading"),
    [
        (samples.SPOT_ACK, Acknowledged(3)),
        (samples.ACK, Acknowledged(3, dropped=True)),
        (samples.OPTION_ACK, Acknowledged(None, ("publicTrade.BTC", "publicTrade.ETH"))),
        (samples.OPTION_REFUSAL, Refused("among the failed topics", None, ("publicTrade.NOPE",), rest_again=True)),
        (
            samples.UNKNOWN_TOPIC,
            Refused(
                "error:handler not found,topic:orderbook.50.NOPEUSDT", 4, ("orderbook.50.NOPEUSDT",), rest_again=True
            ),
        ),
        (
            samples.INVALID_TOPIC,
            Refused("Invalid topic: orderbook.50.NOPEUSDT", 4, ("orderbook.50.NOPEUSDT",), rest_again=True),
        ),
        (samples.ALREADY, Acknowledged(6, ("orderbook.1.ETHUSDT",), rest_again=True)),
        (samples.TOO_MANY_ARGS, Refused("args size >10")),
        (samples.INVALID, Refused("error:invalid op", 7)),
        (samples.SPOT_PONG, Heartbeat()),
        (samples.PONG, Heartbeat()),
        (samples.OPTION_PONG, Heartbeat()),
    ],
)
def test_what_is_no_data(message: str, reading: object) -> None:
    for dialect in (SPOT, LINEAR, INVERSE, OPTION):
        assert dialect.read(message) == reading


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["type", "ts", "cts", "data", "cs", "id", "op", "success", "ret_msg", "req_id", "u", "seq", "T", "i"]
)
LIKE_IT = st.builds(
    lambda topic, fields: json.dumps({"topic": topic, **fields}, separators=(",", ":")),
    st.sampled_from([stream for _, stream, _ in EVERY]) | st.text(max_size=8) | JSON,
    st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON) | st.lists(st.dictionaries(FIELDS, JSON))),
)
CONTROLS = st.dictionaries(FIELDS, JSON).map(json.dumps)
CUT = st.builds(lambda one, end: one[2][:end], st.sampled_from(EVERY), st.integers(0, 300))
ANY = LIKE_IT | CONTROLS | CUT | st.text() | st.binary() | st.just("[" * 99_999) | st.just('{"topic":"')


@given(message=ANY, before=ANY)
def test_nothing_that_comes_raises(message: str | bytes, before: str | bytes) -> None:
    for dialect in (SPOT, INVERSE, OPTION):
        reading, earlier = dialect.read(message), dialect.read(before)
        if isinstance(reading, Update):
            assert reading.text == message
            hash(reading.key)
            assert reading.event_time is None or isinstance(reading.event_time, float)
            assert not isinstance(earlier, Update) or reading.joins(earlier) in (True, False, None)
            _ = reading.data
            try:
                reading.json()
                reading.typed()
            except ValueError:
                pass


# Limits


def test_a_ban_is_waited_for() -> None:
    verdict = LINEAR.verdict(Failure(Cause.HTTP, status=403))
    assert verdict is not None
    assert (verdict.action, verdict.wait) == (Action.RETRY, 600.0)
    assert LINEAR.verdict(Failure(Cause.HTTP, status=404)) is None
    assert LINEAR.verdict(Failure(Cause.EOF)) is None


def test_patience() -> None:
    with_snapshot = {stream for stream, _ in samples.SPOT if (SPOT.patience(stream).first or 99) < 20}
    assert with_snapshot == {
        "orderbook.50.BTCUSDT",
        "orderbook.1.BTCUSDT",
        "orderbook.rpi.BTCUSDT",
        "tickers.ETHUSDT",
    }
    assert SPOT.patience("orderbook.1.BTCUSDT").silence is None
    assert LINEAR.patience("orderbook.1.BTCUSDT").silence is not None
    assert LINEAR.patience("nonsense").first is None
