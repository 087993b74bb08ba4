"""What Binance's messages are: data, its place in a stream, answers, notices. No message raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.samples import binance as samples
from holdfast.dialects import binance
from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import Acknowledged, Listed, Notice, Reading, Refused, Update

SPOT = binance.spot().dialect
USDM = binance.usdm(route="market").dialect
EVERY = [(SPOT, name, payload) for name, payload in samples.SPOT.items()]
EVERY += [(USDM, name, payload) for name, payload in samples.USDM.items()]


def text_of(payload: object) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def wrapped(stream: str, payload: object) -> str:
    return f'{{"stream":{text_of(stream)},"data":{text_of(payload)}}}'


def update_of(dialect: Dialect, stream: str, payload: object) -> Update:
    update = dialect.read(wrapped(stream, payload))
    assert isinstance(update, Update)
    assert update.stream == stream
    return update


# Data


@pytest.mark.parametrize(("dialect", "stream", "payload"), EVERY)
def test_data_is_an_update_of_its_stream(dialect: Dialect, stream: str, payload: object) -> None:
    update = update_of(dialect, stream, payload)
    assert update.text == wrapped(stream, payload)
    assert update.data == text_of(payload)
    assert update.json() == payload


@pytest.mark.parametrize("dialect", [SPOT, USDM])
@pytest.mark.parametrize(
    "text",
    [
        '{"stream": "btcusdt@depth5", "data": {"lastUpdateId": 7, "bids": [["1.10", "2"]], "asks": []}}',
        '{"data":{"lastUpdateId":7,"bids":[["1.10","2"]],"asks":[]},"stream":"btcusdt@depth5"}',
        '{"stream":"btcusdt@depth5","data":{"lastUpdateId":7,"bids":[["1.10","2"]],"asks":[]}}\n',
        '{"stream":"btcusdt\\u0040depth5","data":{"lastUpdateId":7,"bids":[["1.10","2"]],"asks":[]}}',
    ],
)
def test_data_written_otherwise_is_the_same_data(dialect: Dialect, text: str) -> None:
    for message in (text, text.encode()):
        update = dialect.read(message)
        assert isinstance(update, Update)
        assert (update.stream, update.text) == ("btcusdt@depth5", message)
        assert update.data == '{"lastUpdateId":7,"bids":[["1.10","2"]],"asks":[]}'
        assert update.json()["bids"] == [["1.10", "2"]]


@pytest.mark.parametrize(
    ("name", "escaped"), [('a"b', '"a\\"b"'), ("買@trade", '"\\u8cb7@trade"'), ("買@trade", '"買@trade"')]
)
def test_names_are_read_as_json_writes_them(name: str, escaped: str) -> None:
    update = SPOT.read(f'{{"stream":{escaped},"data":{{"t":1}}}}')
    assert isinstance(update, Update)
    assert (update.stream, update.data, update.json()) == (name, '{"t":1}', {"t": 1})


TIMES = {"btcusdt@referencePrice": 1779000001.0, "btcusdt@depth5": None, "btcusdt@depth20@100ms": None}


@pytest.mark.parametrize(("dialect", "stream", "payload"), EVERY)
def test_event_times_are_those_of_the_service(dialect: Dialect, stream: str, payload: Any) -> None:
    update = update_of(dialect, stream, payload)
    first = payload[0] if isinstance(payload, list) else payload
    expected = TIMES.get(stream, first["E"] / 1e3 if "E" in first else None)
    if dialect is SPOT:
        assert update.event_time == expected
    else:
        assert update.event_time == first["E"] / 1e3


def test_event_times_may_be_finer() -> None:
    payload = {**samples.SPOT["btcusdt@trade"], "E": 1779000000124567}
    assert update_of(SPOT, "btcusdt@trade", payload).event_time == 1779000000.124567


# Keys


@pytest.mark.parametrize(("dialect", "stream", "payload"), EVERY)
def test_copies_have_one_key_and_other_messages_another(dialect: Dialect, stream: str, payload: Any) -> None:
    key = update_of(dialect, stream, payload).key
    assert update_of(dialect, stream, payload).key == key
    numbers = ("E", "t", "T", "a", "u", "lastUpdateId")
    later = _changed(payload, lambda name, value: value + 1 if name in numbers and isinstance(value, int) else value)
    assert update_of(dialect, stream, later).key != key
    assert hash(key) == hash(update_of(dialect, stream, payload).key)


def _changed(payload: Any, change: Callable[[str, Any], Any]) -> Any:
    if isinstance(payload, list):
        return [_changed(one, change) for one in payload]
    if isinstance(payload, dict):
        return {name: _changed(change(name, value), change) for name, value in payload.items()}
    return payload


def test_the_key_of_a_trade_does_not_hang_on_when_it_was_sent() -> None:
    """Two connections may be told of it at two moments."""
    trade = samples.SPOT["btcusdt@trade"]
    assert update_of(SPOT, "btcusdt@trade", {**trade, "E": 5}).key == update_of(SPOT, "btcusdt@trade", trade).key


# What numbers prove


def joins(dialect: Dialect, stream: str, before: dict[str, int], after: dict[str, int]) -> bool | None:
    samples_of = samples.SPOT if dialect is SPOT else samples.USDM
    first, second = (update_of(dialect, stream, {**samples_of[stream], **numbers}) for numbers in (before, after))
    return second.joins(first)


@pytest.mark.parametrize(
    ("dialect", "stream", "field"),
    [
        (SPOT, "btcusdt@trade", "t"),
        (SPOT, "btcusdt@aggTrade", "a"),
        (USDM, "btcusdt@trade", "t"),
        (USDM, "btcusdt@aggTrade", "a"),
    ],
)
@pytest.mark.parametrize(
    ("after", "verdict"), [(11, True), (12, False), (500, False), (10, None), (9, None), (1, None)]
)
def test_trades_count_without_holes(
    dialect: Dialect, stream: str, field: str, after: int, verdict: bool | None
) -> None:
    assert joins(dialect, stream, {field: 10}, {field: after}) is verdict


@pytest.mark.parametrize("stream", ["btcusdt@depth", "btcusdt@depth@100ms"])
@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (161, 161, True),
        (161, 170, True),
        (162, 170, False),
        (150, 170, True),  # grouped otherwise on another connection: levels are absolute, so overlap is harmless
        (157, 160, None),
        (100, 110, None),
    ],
)
def test_books_of_spot_continue_at_the_next_number(stream: str, first: int, last: int, verdict: bool | None) -> None:
    assert joins(SPOT, stream, {"U": 157, "u": 160}, {"U": first, "u": last}) is verdict


@pytest.mark.parametrize("stream", ["btcusdt@depth", "btcusdt@depth@500ms", "btcusdt@rpiDepth@500ms"])
@pytest.mark.parametrize(
    ("before", "last", "verdict"),
    [(160, 180, True), (155, 180, True), (161, 180, False), (150, 160, None), (90, 100, None)],
)
def test_books_of_futures_name_the_number_before(stream: str, before: int, last: int, verdict: bool | None) -> None:
    new = {"pu": before, "U": before + 7, "u": last}
    assert joins(USDM, stream, {"pu": 140, "U": 150, "u": 160}, new) is verdict


PROVING = {"btcusdt@trade", "btcusdt@aggTrade", "btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth@500ms"}
PROVING |= {"btcusdt@rpiDepth@500ms"}


@pytest.mark.parametrize(("dialect", "stream", "payload"), [one for one in EVERY if one[1] not in PROVING])
def test_other_numbers_prove_nothing(dialect: Dialect, stream: str, payload: Any) -> None:
    for step in (0, 1, 100):
        later = _changed(payload, lambda name, value, step=step: value + step if type(value) is int else value)
        assert update_of(dialect, stream, later).joins(update_of(dialect, stream, payload)) is None


def test_a_foreign_message_joins_nothing() -> None:
    update = update_of(SPOT, "btcusdt@trade", samples.SPOT["btcusdt@trade"])
    assert update.joins(Update("btcusdt@trade", "{}")) is None


# Answers


@pytest.mark.parametrize("dialect", [SPOT, USDM])
@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ('{"result":null,"id":312}', Acknowledged(312)),
        ('{"id":312,"result":null}', Acknowledged(312)),
        ('{"result":null,"id":null}', Acknowledged(None)),
        ('{"result":["btcusdt@trade"],"id":3}', Listed(frozenset({"btcusdt@trade"}), 3)),
        ('{"result":[],"id":3}', Listed(frozenset(), 3)),
        (
            '{"code":2,"msg":"Invalid request: too many parameters","id":4}',
            Refused("Invalid request: too many parameters (code 2)", 4),
        ),
        (
            '{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}',
            Refused("Invalid JSON: expected value at line 1 column 1 (code 3)"),
        ),
        ('{"error":{"code":4,"msg":"Too many subscriptions"},"id":19}', Refused("Too many subscriptions (code 4)", 19)),
        (
            '{"e":"serverShutdown","E":1770123456789}',
            Notice('{"e":"serverShutdown","E":1770123456789}', going_away=True),
        ),
        (
            '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
            Notice('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}', going_away=True),
        ),
    ],
)
def test_answers_and_notices(dialect: Dialect, text: str, reading: Reading) -> None:
    assert dialect.read(text) == reading
    assert dialect.read(text.encode()) == reading
    assert dialect.read(text.replace(":", ": ").replace(": ", ":", 1)) is not None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "{",
            "[]",
            "7",
            "null",
            '"stream"',
            "{}",
            '{"stream":"a","data":',
            '{"stream":7,"data":{}}',
            '{"stream":"a"}',
        ),
        *('{"result":true,"id":2}', '{"result":[7],"id":2}', '{"error":"no"}', '{"code":"2","msg":"x"}', '{"code":2}'),
        *("[" * 100_000, '{"stream":' * 50_000, '{"code":true,"msg":"x"}', '{"e":"trade","s":"BTCUSDT","t":1}'),
    ],
)
def test_what_makes_no_sense_is_not_hidden(text: str) -> None:
    for message in (text, text.encode(), text.encode() + b"\xff"):
        update = SPOT.read(message)
        assert isinstance(update, Update)
        assert (update.stream, update.text, update.data) == (None, message, message)
        assert (update.event_time, update.key, update.joins(update)) == (None, message, None)


FIELDS = st.sampled_from(["stream", "data", "result", "id", "error", "code", "msg", *"eEstTaUukobqpl", "pu"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3) | FIELDS, inner, max_size=6),
    max_leaves=12,
)
NAMES = st.sampled_from([*samples.SPOT, *samples.USDM, "!serverShutdown", "none"])
WRAPPED = st.builds(wrapped, NAMES, JSON)
CUT = st.builds(lambda text, at: text[: at % (len(text) + 1)], WRAPPED, st.integers(0, 400))
SPLICED = st.builds(
    lambda text, at, more: text[: at % 60] + more + text[at % 60 :], WRAPPED, st.integers(0, 60), st.text(max_size=4)
)
ANY = st.text() | st.binary() | JSON.map(json.dumps) | WRAPPED | CUT | SPLICED | CUT.map(lambda text: text + "}")


@given(message=ANY, before=WRAPPED)
def test_nothing_that_comes_raises(message: str | bytes, before: str) -> None:
    for dialect in (SPOT, USDM):
        reading = dialect.read(message)
        if isinstance(reading, Update):
            assert reading.text == message
            hash(reading.key)
            assert reading.event_time is None or isinstance(reading.event_time, float)
            earlier = dialect.read(before)
            assert not isinstance(earlier, Update) or reading.joins(earlier) in (True, False, None)
            _ = reading.data
            try:
                reading.json()
                reading.typed()
            except ValueError:
                pass


@given(stream=NAMES, payload=JSON)
def test_both_ways_to_read_data_agree(stream: str, payload: object) -> None:
    """Whether data comes by its prefix or by a parse, it is one and the same."""
    text = wrapped(stream, payload)
    by_prefix, parsed = SPOT.read(text), SPOT.read(text + "\n")
    if isinstance(by_prefix, Update) and isinstance(parsed, Update) and "NaN" not in text and "Infinity" not in text:
        assert parsed.stream == by_prefix.stream
        assert parsed.event_time == by_prefix.event_time
        assert json.loads(parsed.data) == json.loads(by_prefix.data)


@pytest.mark.parametrize("numbers", ['"U":5,"u":"9"', '"U":5,"u":null', '"U":5,"u":9.5', '"U":5,"u":true', '"u":9'])
def test_numbers_that_are_none_prove_nothing(numbers: str) -> None:
    before = SPOT.read('{"stream":"btcusdt@depth","data":{"E":1,"U":1,"u":4}}')
    odd = SPOT.read(f'{{"stream":"btcusdt@depth","data":{{"E":1,{numbers}}}}}')
    assert isinstance(before, Update)
    assert isinstance(odd, Update)
    assert (odd.joins(before), before.joins(odd), odd.event_time) == (None, None, None)
