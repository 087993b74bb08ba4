"""A dialect made of a few functions."""

from __future__ import annotations

import json
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.voyage import HOST, Voyage
from holdfast import (
    ConfigError,
    Connected,
    Disconnected,
    Endpoint,
    MessageWindow,
    Patience,
    ServiceLimits,
    Stale,
    Subscribed,
    SubscriptionRefused,
    Unsubscribed,
    Update,
)
from holdfast import Service as Source
from holdfast.dialects.json_dialect import Data, Found, JsonDialect
from holdfast.dialects.words import Acknowledged, Heartbeat, Listed, Notice, Refused, Reply
from holdfast.testing import Client, Publication, Reset, Service


def read(message) -> Found:
    """Looks at nothing more than it must, as a user's would."""
    if message["kind"] == "data":
        return Data(message["of"], message["value"], message["value"]["number"], message["at"] / 1000)
    if message["kind"] == "whole":
        return message["of"]
    if message["kind"] == "no":
        return Refused(message["why"], streams=(message["of"],))
    return Heartbeat() if message["kind"] == "beat" else None


def dialect_with(**changes) -> JsonDialect:
    given = {
        "subscribe": lambda streams, number: {"add": list(streams), "number": number},
        "unsubscribe": lambda streams, number: f"-{number}:{','.join(streams)}",
        "read": read,
        **changes,
    }
    return JsonDialect(**given)


def test_requests_are_json_or_text() -> None:
    dialect = dialect_with(ping=lambda number: ["ping", number])
    assert dialect.subscribe(["a", "買"], 3) == '{"add":["a","買"],"number":3}'
    assert dialect.unsubscribe(["a", "b"], 4) == "-4:a,b"
    assert (dialect.list_streams(5), dialect.ping(6)) == (None, '["ping",6]')
    assert dialect_with(list_streams=lambda number: number).list_streams(7) == "7"


def test_what_is_left_out_it_does_not_have() -> None:
    dialect = dialect_with()
    dialect.check("whatever")
    assert dialect.asked_by(Endpoint("ws://h/?streams=a")) == frozenset()
    assert (dialect.patience("a"), dialect.limits, dialect.ping(1), dialect.name) == (
        Patience(),
        ServiceLimits(),
        None,
        "json",
    )
    assert dialect_with(asked_by=lambda endpoint: [endpoint.host]).asked_by(Endpoint("ws://h/")) == {"h"}
    assert dialect_with(patience=Patience(silence=5)).patience("a") == Patience(silence=5)
    with pytest.raises(ConfigError, match="what a ping is"):
        dialect_with(limits=ServiceLimits(ping_every=30.0))


def test_data_is_what_was_found() -> None:
    text = '{"kind":"data","of":"a","value":{"number":7},"at":2500}'
    update = dialect_with().read(text)
    assert isinstance(update, Update)
    assert (update.stream, update.text, update.data) == ("a", text, '{"number":7}')
    assert (update.json(), update.key, update.event_time) == ({"number": 7}, 7, 2.5)
    whole = dialect_with().read(b'{"kind":"whole","of":"b"}')
    assert isinstance(whole, Update)
    assert (whole.stream, whole.json()) == ("b", {"kind": "whole", "of": "b"})
    assert dialect_with().read('{"kind":"beat"}') == Heartbeat()
    without_key = dialect_with(read=lambda message: Data("c", message)).read("[1]")
    assert isinstance(without_key, Update)
    assert (without_key.key, without_key.event_time) == ("[1]", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["kind", "of", "value", "at"]), inner),
    max_leaves=12,
)
KIND = st.fixed_dictionaries({"kind": st.sampled_from(["data", "whole", "no", "beat"]), "value": JSON, "of": JSON})


@given(st.one_of(st.text(), st.binary(), JSON.map(json.dumps), KIND.map(json.dumps)))
def test_whatever_comes_is_an_update_at_least(message: str | bytes) -> None:
    found = dialect_with().read(message)
    if isinstance(found, Update):
        assert found.text == message
        hash(found.key)
        assert found.data is not None


@pytest.mark.parametrize("text", ["x", "[" * 9999, "[]", "{}", '{"kind":"data","of":"a","value":{"number":[]},"at":1}'])
def test_what_makes_no_sense_is_of_no_stream(text: str) -> None:
    assert dialect_with().read(text) == Update(None, text)


@pytest.mark.parametrize(
    "nonsense",
    [
        5,
        ["a"],
        Data(["a"], 1),  # type: ignore[arg-type]
        Data("a", 1, time="now"),  # type: ignore[arg-type]
        Data("a", 1, key=["k"]),  # type: ignore[arg-type]
        Acknowledged("1"),  # type: ignore[arg-type]
        Acknowledged(1, (["a"],)),  # type: ignore[arg-type]
        Refused(None, 1),  # type: ignore[arg-type]
        Refused("", 1, "ab"),  # type: ignore[arg-type]
        Listed(frozenset({1})),  # type: ignore[arg-type]
        Data("a", 1, time=10**400),
        Data("a", 1, time=float("nan")),
        Reply({}),  # type: ignore[arg-type]
        Reply("\ud800"),
        Notice(None),  # type: ignore[arg-type]
    ],
)
def test_what_a_function_takes_from_a_message_is_not_trusted(nonsense: object) -> None:
    assert dialect_with(read=lambda _: nonsense).read("1") == Update(None, "1")


@pytest.mark.parametrize(
    "error", [StopIteration(), AssertionError(), RecursionError(), ExceptionGroup("", [OSError()])]
)
def test_whatever_a_function_raises_for_a_message_is_no_error(error: Exception) -> None:
    def raises(_: object) -> Found:
        raise error

    assert dialect_with(read=raises).read("1") == Update(None, "1")


@pytest.mark.parametrize(
    "control", [Acknowledged(1, ("a",)), Refused(""), Listed(frozenset()), Reply("x"), Notice("y")]
)
def test_controls_are_passed_on(control: object) -> None:
    assert dialect_with(read=lambda _: control).read("1") == control


@given(st.lists(st.text(max_size=9), max_size=40), st.sampled_from([None, 1, 7]), st.sampled_from([None, 60]))
def test_batches_are_as_large_as_they_may_be(streams: list[str], most: int | None, size: int | None) -> None:
    dialect = dialect_with(limits=ServiceLimits(max_streams_per_request=most, max_request_size=size))
    batches = [list(batch) for batch in dialect.batches(streams)]
    assert [stream for batch in batches for stream in batch] == streams
    for batch, following in zip(batches, [*batches[1:], []], strict=False):
        assert batch
        assert most is None or len(batch) <= most
        larger = [*batch, *following[:1]]
        sizes = [len(dialect.subscribe(names, 2**53).encode()) for names in (batch, larger)]
        assert size is None or sizes[0] <= size or len(batch) == 1
        assert not following or len(larger) > (most or 99) or sizes[1] > (size or 9999)


def test_a_stream_that_fits_no_request_is_refused() -> None:
    dialect = dialect_with(limits=ServiceLimits(max_request_size=60), name="mine")
    dialect.check("a" * 10)
    with pytest.raises(ConfigError, match="mine takes 60"):
        dialect.check("a" * 50)
    with pytest.raises(ConfigError, match="no"):
        dialect_with(check=lambda stream: _refuse(stream)).check("x")


def _refuse(stream: str) -> None:
    raise ConfigError(f"{stream}: no")


# A service that acknowledges nothing


class Mumbling(Service):
    """Does as it is told, and says so never; it has no `bad`."""

    def asked_by(self, target: str) -> Collection[str] | None:
        return []

    def answer(self, request: str, client: Client) -> list[str]:
        if request.startswith("-"):
            client.streams.difference_update(request.partition(":")[2].split(","))
            return []
        names = json.loads(request)["add"]
        client.streams.update(name for name in names if name != "bad")
        return [json.dumps({"kind": "no", "of": "bad", "why": "there is none"})] if "bad" in names else []

    def message(self, publication: Publication, wall_time: float) -> str:
        told = {"kind": "data", "of": publication.stream, "value": {"number": publication.sequence}}
        return json.dumps({**told, "at": wall_time * 1000})


def mumbling(*streams: str, **changes) -> Voyage:
    limits = ServiceLimits(max_streams_per_request=1, acknowledges=False, message_window=MessageWindow(20, 1.0))
    source = Source(dialect_with(limits=limits, **changes), f"ws://{HOST}/", streams)
    return Voyage(source, Mumbling(), ("a", "b", "c"))


def test_where_nothing_is_acknowledged_what_was_sent_counts() -> None:
    voyage = mumbling("a", "b")
    voyage.run(100.0)
    assert voyage.states == {"subscribed"}
    assert [event.streams for event in voyage.of(Subscribed)] == [("a",), ("b",)]
    assert {update.stream for update in voyage.of(Update)} == {"a", "b"}
    assert not voyage.of(Disconnected), "nobody waits for an answer"
    voyage.subscribe("c")
    voyage.unsubscribe("a")
    voyage.run(1.0).strike(Reset())
    voyage.run(10.0)
    assert [event.streams for event in voyage.of(Unsubscribed)] == [("a",)]
    (connection,) = voyage.exchange._connections.values()
    assert connection.streams == {"b", "c"}
    assert len(voyage.of(Connected)) == 2


def test_a_thousand_streams_are_asked_for_one_by_one() -> None:
    voyage = mumbling(*(f"s{number}" for number in range(1000))).run(90.0)
    assert voyage.states == {"subscribed"}
    assert len(voyage.of(Subscribed)) == 1000


def test_a_refusal_that_comes_later_takes_it_back() -> None:
    voyage = mumbling("a", "bad").run(10.0)
    assert voyage.fleet.stream_states() == {"a": "subscribed", "bad": "refused"}
    (refused,) = voyage.of(SubscriptionRefused)
    assert (refused.stream, refused.reason) == ("bad", "there is none")
    voyage.subscribe("bad")
    voyage.run(10.0)
    assert len(voyage.of(SubscriptionRefused)) == 2, "asked for again because the user says so"


def test_a_silent_stream_is_asked_for_anew() -> None:
    voyage = mumbling("a", "nothing", patience=Patience(first=5.0)).run(7.0)
    assert [event.stream for event in voyage.of(Stale)] == ["nothing"]
    assert [event.streams for event in voyage.of(Unsubscribed)] == [("nothing",)]
    assert [event.streams for event in voyage.of(Subscribed)] == [("a",), ("nothing",), ("nothing",)]
