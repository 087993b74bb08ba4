"""What the consumer sends: on_open after every handshake, and messages of the moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.peer import Manners
from helpers.world import World
from holdfast import FeedClosed, LocalProtocolError, NotOpen

MESSAGES = st.lists(st.one_of(st.text(max_size=20), st.binary(max_size=20), st.just("x" * 70_000)), max_size=4)


@given(MESSAGES, st.integers(1, 4))
def test_on_open_is_sent_after_every_handshake_in_order(messages: list[str | bytes], connections: int) -> None:
    world = World({"on_open": messages}).open()
    for _ in range(connections - 1):
        world.run(0)
        world.peer.hang_up()
        world.run(10)
    assert len(world.peers) == connections
    world.run(0)
    for peer in world.peers:
        assert peer.messages == messages


@given(MESSAGES)
def test_messages_are_sent_behind_on_open_and_once(messages: list[str | bytes]) -> None:
    world = World({"on_open": ["subscribe"]}).open()
    for message in messages:
        world.send(message)
    world.run(0)
    first = world.peer
    first.hang_up()
    world.run(10)
    assert first.messages == ["subscribe", *messages]
    assert world.peer.messages == ["subscribe"]


def test_bytes_like_messages_are_sent_as_binary() -> None:
    world = World().open()
    world.send(bytearray(b"a"))  # type: ignore[arg-type]
    world.send(memoryview(b"b"))  # type: ignore[arg-type]
    world.run(0)
    assert world.peer.messages == [b"a", b"b"]


@pytest.mark.parametrize("message", [None, 5, ["a"], {"op": "subscribe"}, "\ud800"])
def test_what_is_no_message_changes_nothing(message: object) -> None:
    world = World().open()
    before = (list(world.commands), world.fleet.stats(world.now))
    with pytest.raises(LocalProtocolError):
        world.send(message)  # type: ignore[arg-type]
    assert (world.fleet.take_commands(), world.fleet.stats(world.now)) == ([], before[1])


def test_sending_without_a_connection_says_so() -> None:
    world = World(manners=[Manners(dial_delay=1), Manners(dial_delay=1)])
    with pytest.raises(NotOpen, match="idle"):
        world.send("x")
    world.start()
    with pytest.raises(NotOpen, match="connecting"):
        world.send("x")
    world.run(1)
    world.send("x")
    world.peer.hang_up()
    world.run(0.5)
    with pytest.raises(NotOpen, match="waiting"):
        world.send("x")
    world.close()
    with pytest.raises(FeedClosed):
        world.send("x")


def test_sending_is_possible_while_reading_is_paused() -> None:
    from holdfast import Limits

    world = World({"limits": Limits(max_queue_size=150)}).open()
    world.consume(False)
    world.peer.send("fills the queue" * 10)
    world.run(0)
    world.send("x")
    world.run(0)
    assert world.peer.messages == ["x"]
