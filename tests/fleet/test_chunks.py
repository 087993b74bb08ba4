"""The same bytes in other chunks give the same messages and events, from the handshake to the end (promise 11)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import broken_streams, chunk_sizes, chunked, mutated_streams, valid_streams
from helpers.peer import Manners
from helpers.upgrade import answer_to, switching
from helpers.world import World
from holdfast import Item
from holdfast.commands import Write

STREAMS = st.one_of(valid_streams().map(b"".join), broken_streams(), mutated_streams())


def read_as(stream: bytes, sizes: list[int] | None) -> list[Item]:
    """What comes of a good handshake and these bytes behind it; in one chunk, or in chunks of these sizes."""
    world = World(manners=Manners(never_answers=True)).start().run(0)
    request = next(command.data for _, command in world.commands if isinstance(command, Write))
    whole = switching({"Sec-WebSocket-Accept": answer_to(request)}, rest=stream)
    for chunk in chunked(whole, sizes or [len(whole)]):
        world.peer.send_raw(chunk)
    world.run(0)
    return world.items


@given(STREAMS, chunk_sizes())
def test_chunks_make_no_difference(stream: bytes, sizes: list[int]) -> None:
    assert read_as(stream, sizes) == read_as(stream, None)


@given(STREAMS.filter(lambda stream: len(stream) < 1000))
def test_single_bytes_make_no_difference(stream: bytes) -> None:
    assert read_as(stream, [1]) == read_as(stream, None)
