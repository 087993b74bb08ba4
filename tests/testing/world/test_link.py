"""What a network does to a connection: it delays, cuts, holds and breaks; it never reorders or invents."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing.world import Chance, Link, Pipe, Schedule, Weather

FIN, RST = "FIN", "RST"


class Wire:
    """A pipe on a clock of its own; `arrived` are pairs of time and bytes, FIN or RST."""

    def __init__(self, schedule: Schedule | None = None, seed: int = 1, **weather: float) -> None:
        self.schedule = schedule or Schedule()
        self.arrived: list[tuple[float, bytes | str]] = []
        self.pipe = Pipe(
            self.schedule,
            Chance(seed),
            Weather(**weather),
            deliver=lambda data: self.arrived.append((self.schedule.now, data)),
            end=lambda broken: self.arrived.append((self.schedule.now, RST if broken else FIN)),
        )

    @property
    def bytes(self) -> bytes:
        return b"".join(data for _, data in self.arrived if isinstance(data, bytes))


def test_bytes_take_their_time():
    wire = Wire(delay=0.5)
    wire.pipe.put(b"a")
    wire.schedule.run(0.25)
    wire.pipe.put(b"b")
    wire.schedule.run(10.0)
    assert wire.arrived == [(0.5, b"a"), (0.75, b"b")]


def test_what_arrives_at_one_moment_is_one_read():
    wire = Wire()
    wire.pipe.put(b"a")
    wire.pipe.put(b"b")
    wire.schedule.run(0.0)
    assert wire.arrived == [(0.0, b"ab")]


@given(st.integers(0, 1000), st.lists(st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=40)), max_size=30))
def test_the_same_bytes_in_the_same_order_whatever_the_weather(seed: int, sent: list[tuple[int, bytes]]):
    wire = Wire(seed=seed, delay=0.25, jitter=2.0, split=0.5)
    earliest: list[float] = []
    for pause, data in sent:
        wire.schedule.run(wire.schedule.now + pause / 4)
        wire.pipe.put(data)
        earliest += [wire.schedule.now + 0.25] * len(data)
    wire.pipe.put(None)
    wire.schedule.run(1000.0)
    assert wire.bytes == b"".join(data for _, data in sent)
    assert wire.arrived[-1][1] == FIN
    assert [end for _, end in wire.arrived].count(FIN) == 1
    came = [at for at, data in wire.arrived if isinstance(data, bytes) for _ in data]
    assert all(first <= at <= first + 2.0 + 8.0 for first, at in zip(earliest, came, strict=True))
    assert all(data for _, data in wire.arrived)


def test_pieces_are_cut_down_to_single_bytes():
    sizes: set[int] = set()
    for seed in range(50):
        wire = Wire(seed=seed, split=1.0)
        wire.pipe.put(bytes(range(8)))
        wire.schedule.run(0.0)
        sizes |= {len(data) for _, data in wire.arrived}
    assert {1, 8} <= sizes


# Holding


def test_what_is_held_arrives_together_when_the_hold_ends():
    wire = Wire(delay=0.5)
    wire.pipe.put(b"under way ")
    wire.pipe.hold(3.0)
    wire.schedule.run(1.0)
    wire.pipe.put(b"later")
    wire.schedule.run(10.0)
    assert wire.arrived == [(3.0, b"under way later")]


def test_the_longer_of_two_holds_counts():
    wire = Wire()
    wire.pipe.hold(5.0)
    wire.pipe.hold(2.0)
    wire.pipe.put(b"a")
    wire.schedule.run(10.0)
    assert wire.arrived == [(5.0, b"a")]


def test_what_would_come_after_the_hold_is_not_hastened():
    wire = Wire(delay=4.0)
    wire.pipe.put(b"a")
    wire.pipe.hold(1.0)
    wire.schedule.run(10.0)
    assert wire.arrived == [(4.0, b"a")]


def test_a_hold_for_ever_lasts_until_it_is_released():
    wire = Wire()
    wire.pipe.hold(math.inf)
    wire.pipe.put(b"a")
    wire.pipe.put(None)
    wire.schedule.run(1e9)
    assert wire.arrived == []
    wire.pipe.release()
    wire.schedule.run(1e9)
    assert wire.arrived == [(1e9, b"a"), (1e9, FIN)]


def test_release_without_a_hold_does_nothing():
    wire = Wire(delay=1.0)
    wire.pipe.put(b"a")
    wire.pipe.release()
    wire.schedule.run(5.0)
    assert wire.arrived == [(1.0, b"a")]


@pytest.mark.parametrize(("held", "flows"), [("upward", "downward"), ("downward", "upward")])
def test_one_direction_can_be_held(held: str, flows: str):
    schedule = Schedule()
    wires = {"upward": Wire(schedule), "downward": Wire(schedule)}
    link = Link(wires["upward"].pipe, wires["downward"].pipe)
    link.hold(9.0, **{flows: False})
    for wire in wires.values():
        wire.pipe.put(b"a")
    schedule.run(1.0)
    assert (wires[held].arrived, wires[flows].arrived) == ([], [(0.0, b"a")])
    link.release()
    schedule.run(2.0)
    assert wires[held].arrived == [(1.0, b"a")]


# Ends


def test_fin_comes_behind_the_bytes_and_nothing_behind_it():
    wire = Wire(delay=1.0)
    wire.pipe.put(b"a")
    wire.pipe.put(None)
    wire.pipe.put(b"never")
    wire.schedule.run(5.0)
    wire.pipe.put(b"never")
    wire.schedule.run(9.0)
    assert wire.arrived == [(1.0, b"a"), (1.0, FIN)]


def test_rst_drops_what_is_under_way_and_takes_as_long():
    wire = Wire(delay=1.0)
    wire.pipe.put(b"lost")
    wire.schedule.run(0.5)
    wire.pipe.break_off()
    wire.pipe.break_off()
    wire.pipe.put(b"never")
    wire.schedule.run(9.0)
    assert wire.arrived == [(1.5, RST)]


def test_a_held_network_holds_the_rst_back_and_a_black_hole_swallows_it():
    held, hole = Wire(), Wire()
    held.pipe.hold(4.0)
    hole.pipe.hold(math.inf)
    for wire in (held, hole):
        wire.pipe.break_off()
        wire.schedule.run(9.0)
    assert (held.arrived, hole.arrived) == ([(4.0, RST)], [])


@pytest.mark.parametrize("end", [FIN, RST])
def test_a_link_ends_in_both_directions(end: str):
    schedule = Schedule()
    up, down = Wire(schedule), Wire(schedule)
    up.pipe.put(b"a")
    link = Link(up.pipe, down.pipe)
    if end == FIN:
        link.finish()
    else:
        link.reset()
    schedule.run(1.0)
    assert up.arrived == ([(0.0, b"a"), (0.0, FIN)] if end == FIN else [(0.0, RST)])
    assert down.arrived == [(0.0, end)]


@pytest.mark.parametrize("under_way", [b"bytes", None, RST])
def test_an_abandoned_pipe_delivers_nothing(under_way: bytes | str | None):
    wire = Wire(delay=1.0)
    if isinstance(under_way, str):
        wire.pipe.break_off()
    else:
        wire.pipe.put(under_way)
    wire.pipe.abandon()
    wire.pipe.put(b"more")
    wire.pipe.break_off()
    wire.schedule.run(9.0)
    assert wire.arrived == []


def test_a_reader_that_leaves_between_two_pieces_gets_no_more():
    for seed in range(30):
        wire = Wire(seed=seed, split=1.0)
        pieces: list[bytes] = []
        pipe = Pipe(
            wire.schedule,
            Chance(seed),
            Weather(split=1.0),
            deliver=lambda data, pieces=pieces: (pieces.append(data), pipe.abandon()),  # noqa: B023
            end=lambda broken, pieces=pieces: pieces.append(b"end"),
        )
        pipe.put(bytes(20))
        pipe.put(None)
        wire.schedule.run(1.0)
        assert len(pieces) == 1


@pytest.mark.parametrize("held_until", [60.0, math.inf])
def test_a_break_that_was_held_back_is_told_when_the_network_is_mended(held_until: float):
    wire = Wire(delay=0.5)
    wire.pipe.hold(held_until)
    wire.pipe.break_off()
    wire.schedule.run(10.0)
    wire.pipe.release()
    wire.pipe.release()
    wire.schedule.run(100.0)
    assert wire.arrived == [(10.5, RST)]
