"""A feed with compression: what arrives, what is sent, what is counted, and what a bomb does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.deflated import Compressor, bomb, deflated
from helpers.frames import chunk_sizes, chunked, server_frame
from helpers.peer import Manners
from helpers.upgrade import answer_to, switching
from helpers.world import World
from holdfast import (
    Cause,
    Closed,
    Connected,
    ConnectFailed,
    Deflate,
    Disconnected,
    Event,
    Gap,
    Keepalive,
    Limits,
    Overflow,
    Paused,
)
from holdfast.commands import Pause, Write
from holdfast.wire import RSV1, TEXT

COST = 64  # what an item costs beside its bytes; documented at Limits.max_queue_size
COMPRESSES = Manners(compresses=True)
EAGER = Deflate(threshold=1)


def opened(compression: Deflate | None = EAGER, manners: Manners = COMPRESSES, **limits: int) -> World:
    return World({"compression": compression, "limits": Limits(**limits)}, manners).open()


def frames_written(world: World) -> list[bytes]:
    return [
        command.data
        for _, command in world.commands
        if isinstance(command, Write) and not command.data.startswith(b"GET")
    ]


def test_messages_flow_both_ways() -> None:
    world = opened()
    texts: list[str | bytes] = [f'{{"price": {number}, "symbol": "BTCUSDT"}}' * 20 for number in range(5)]
    for text in [*texts, b"\x00" * 5000]:
        world.peer.send(text)
        world.send(text)
    world.run(1)
    assert world.messages == [*texts, b"\x00" * 5000]
    assert world.peer.messages == [*texts, b"\x00" * 5000]
    frames = frames_written(world)
    assert all(frame[0] & RSV1 for frame in frames)
    assert sum(map(len, frames)) < 1000
    assert world.fleet.stats(world.now).received_bytes < 1000


def test_control_frames_are_never_compressed() -> None:
    world = World({"compression": EAGER, "keepalive": Keepalive(2.0, 2.0)}, COMPRESSES).open()
    world.peer.ping(b"x" * 125)
    world.run(5)
    world.close(reason="x" * 100)
    world.run(1)
    frames = frames_written(world)
    assert {frame[0] & 0x0F for frame in frames} == {8, 9, 10}
    assert not any(frame[0] & RSV1 for frame in frames)
    assert world.peer.pings
    assert world.peer.pongs == [b"x" * 125]


def test_short_messages_are_sent_as_they_are() -> None:
    world = opened(Deflate(threshold=10))
    for message in ("123456789", "1234567890"):
        world.send(message)
    assert [bool(frame[0] & RSV1) for frame in frames_written(world)] == [False, True]
    world.run(0)
    assert world.peer.messages == ["123456789", "1234567890"]


def test_a_server_that_declines_is_spoken_to_without() -> None:
    world = opened(manners=Manners())
    world.peer.send("from it")
    world.send("to it")
    world.run(0)
    assert (world.messages, world.peer.messages) == (["from it"], ["to it"])
    assert not frames_written(world)[0][0] & RSV1


def test_what_a_server_compresses_unasked_breaks_the_protocol() -> None:
    world = opened(compression=None)
    world.peer.send_raw(deflated("x"))
    world.run(0)
    assert [(loss.cause, loss.code) for loss in world.losses] == [(Cause.PROTOCOL, 1002)]


def test_an_answer_that_was_not_offered_fails_the_dial() -> None:
    world = World({"compression": Deflate()}, Manners(headers={"Sec-WebSocket-Extensions": "x-mux"})).start().run(1)
    failed = world.events(ConnectFailed)[0].failure
    assert failed.cause is Cause.HANDSHAKE
    assert "x-mux" in failed.detail


def test_every_connection_begins_without_context() -> None:
    world = opened()
    for _ in range(3):
        world.peer.send("the same text " * 10)
        world.send("the same text " * 10)
        world.run(0)
        world.peer.hang_up()
        world.run(1)
        world.run_until(lambda: world.fleet.is_open, within=60)
    assert world.messages == ["the same text " * 10] * 3
    assert all(peer.messages == ["the same text " * 10] for peer in world.peers[:3])


def test_compressed_messages_may_come_with_the_answer() -> None:
    world = World({"compression": Deflate()}, Manners(never_answers=True)).start().run(0)
    world.consume(False)
    request = next(command.data for _, command in world.commands if isinstance(command, Write))
    headers = {"Sec-WebSocket-Accept": answer_to(request), "Sec-WebSocket-Extensions": "permessage-deflate"}
    world.peer.send_raw(switching(headers) + deflated("x" * 5000))
    world.run(0)
    assert world.fleet.stats(world.now).queued_bytes >= 5000
    assert world.fleet.take_items()[-1] == "x" * 5000


def test_the_same_inputs_give_the_same_outputs() -> None:
    def sail() -> list[object]:
        world = opened()
        for number in range(5):
            world.send(f"message {number} " * 30)
        world.close()
        return [*world.run(10).commands]

    assert sail() == sail()


# What is counted


def slow(overflow: Overflow, bound: int) -> World:
    limits = Limits(max_queue_size=bound)
    world = World({"compression": Deflate(), "overflow": overflow, "limits": limits}, COMPRESSES).open()
    world.fleet.take_items()
    world.consume(False)
    return world


def test_a_compressed_message_counts_inflated() -> None:
    world = slow(Overflow(), 1 << 20)
    for size in (0, 100, 20_000):
        before = world.fleet.stats(world.now).queued_bytes
        frame = deflated("x" * size)
        world.peer.send_raw(frame)
        world.run(0)
        assert len(frame) < 126 + 2
        assert world.fleet.stats(world.now).queued_bytes - before == size + 2 + COST


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8), chunk_sizes(), st.booleans())
def test_what_is_queued_is_counted_exactly(sizes: list[int], chunks: list[int], compressed: bool) -> None:
    """In whatever chunks it came: the messages, 64 bytes for each, and the headers of frames."""
    world = slow(Overflow(), 1 << 20)
    compressor = Compressor()
    messages = [b"x" * size for size in sizes]
    stream = b"".join(compressor.frame(one) if compressed else server_frame(2, one) for one in messages)
    for chunk in chunked(stream, chunks):
        world.peer.send_raw(chunk)
    world.run(0)
    stats = world.fleet.stats(world.now)
    assert stats.queued_messages == len(sizes)
    assert 0 <= stats.queued_bytes - sum(sizes) - COST * len(sizes) <= 4 * len(sizes)
    assert world.fleet.take_items() == messages
    assert world.fleet.stats(world.now).queued_bytes == 0


@pytest.mark.parametrize("policy", ["pause", "drop_oldest", "drop_newest", "conflate", "fail"])
def test_the_bound_holds_for_what_is_inflated(policy: str) -> None:
    """Promise 10. On the wire the messages are a thousandth of the bound."""
    key: Callable[[str | bytes], object] | None = (lambda message: message) if policy == "conflate" else None
    world = slow(Overflow(policy, key), 100_000)  # type: ignore[arg-type]
    for number in range(50):
        world.peer.send(bytes([number]) * 20_000)
        world.run(0.25)
        assert world.fleet.stats(world.now).queued_bytes <= 100_000 + 20_000 + 5 * COST
    items = world.fleet.take_items()
    held = sum(len(item) for item in items if isinstance(item, bytes))
    assert 50_000 < held <= 120_000
    reported = {"pause": Paused, "fail": Closed}.get(policy, Gap)
    assert any(isinstance(item, reported) for item in items)
    assert bool([command for _, command in world.commands if isinstance(command, Pause)]) == (policy == "pause")


# Bombs


@pytest.mark.parametrize("stream", [server_frame(TEXT, bomb(10_000_000), rsv=4), deflated(b"x" * 1001)])
def test_a_bomb_ends_the_connection_with_1009(stream: bytes) -> None:
    world = opened(max_message_size=1000)
    world.peer.send_raw(deflated("before") + stream)
    world.run(0.25)
    assert world.messages == ["before"]
    (lost,) = world.events(Disconnected)
    assert (lost.failure.cause, lost.failure.code) == (Cause.PROTOCOL, 1009)
    assert "max_message_size, 1000" in lost.failure.detail
    assert world.peer.close is not None
    assert world.peer.close.code == 1009
    world.run_until(lambda: len(world.events(Connected)) == 2, within=60)
    assert isinstance(world.items[-1], Event)
