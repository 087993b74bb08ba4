"""Which shard carries which stream: within all limits, symbols together, and nobody moves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import ConfigError
from holdfast.fleet.agenda import Agenda
from holdfast.fleet.allotment import Allotment, Bounds

NAMES = st.builds("{}@{}".format, st.sampled_from("abcdefghijkl"), st.text("xyz", min_size=1, max_size=5))
STEPS = st.lists(st.tuples(st.booleans(), st.lists(NAMES, max_size=30)), max_size=12)
LIMIT = st.none() | st.integers(1, 8)


def symbol_of(stream: str) -> str:
    return stream.partition("@")[0]


def assert_within(allotment: Allotment, most: tuple[int | None, int | None, int | None, int | None]) -> None:
    streams, symbols, names, shards = (math.inf if one is None else one for one in most)
    assert 1 <= len(allotment.loads) <= shards
    for load in allotment.loads.values():
        assert len(load.streams) <= streams
        assert len({symbol_of(stream) for stream in load.streams}) <= symbols
        assert len("[" + ",".join(f'"{stream}"' for stream in load.streams) + "]") <= names or not load.streams


def places(allotment: Allotment) -> dict[str, int]:
    return {stream: number for number, load in allotment.loads.items() for stream in load.streams}


@given(STEPS, LIMIT, LIMIT, st.none() | st.integers(12, 60), LIMIT)
def test_whatever_comes_and_goes_limits_are_kept_and_nobody_moves(
    steps: list[tuple[bool, list[str]]], streams: int | None, symbols: int | None, names: int | None, shards: int | None
) -> None:
    allotment = Allotment(Bounds(streams, symbols, names, shards), symbol_of)
    wanted: set[str] = set()
    numbers = {1}
    for adds, some in steps:
        before = places(allotment)
        if adds:
            try:
                allotment.add(some)
            except ConfigError:
                assert places(allotment) == before, "what cannot be placed changed something"
                continue
            wanted.update(some)
        else:
            removed = allotment.remove(some)
            assert {stream: number for number, them in removed.items() for stream in them} == {
                stream: before[stream] for stream in wanted & set(some)
            }
            wanted.difference_update(some)
        now = places(allotment)
        assert now.keys() == wanted
        assert sum(len(load.streams) for load in allotment.loads.values()) == len(wanted)
        assert all(now[stream] == before[stream] for stream in wanted & before.keys()), "somebody moved"
        assert all(allotment.shard_of(stream) == number for stream, number in now.items())
        assert_within(allotment, (streams, symbols, names, shards))
        assert all(load.streams for load in allotment.loads.values()) or len(allotment.loads) == 1
        assert len(allotment) == len(wanted)
        fresh = allotment.loads.keys() - numbers
        assert not fresh or min(fresh) > max(numbers), "a number was used again"
        numbers |= allotment.loads.keys()


@given(st.lists(NAMES, unique=True), LIMIT, LIMIT)
def test_streams_of_a_symbol_are_together_where_a_connection_can_carry_them(
    names: list[str], streams: int | None, symbols: int | None
) -> None:
    allotment = Allotment(Bounds(streams, symbols), symbol_of)
    allotment.add(names)
    groups = {symbol: [name for name in names if symbol_of(name) == symbol] for symbol in map(symbol_of, names)}
    for group in groups.values():
        if streams is None or len(group) <= streams:
            assert len({allotment.shard_of(stream) for stream in group}) == 1
        else:
            assert len({allotment.shard_of(stream) for stream in group}) >= math.ceil(len(group) / streams)


@given(st.integers(0, 300), st.integers(1, 40), st.none() | st.integers(1, 12))
def test_single_streams_take_as_few_connections_as_can_be_and_load_them_evenly(
    count: int, most: int, connections: int | None
) -> None:
    allotment = Allotment(Bounds(streams=most, shards=connections), lambda stream: stream)
    names = [f"s{number}" for number in range(count)]
    if connections is not None and count > most * connections:
        with pytest.raises(ConfigError, match="max_connections"):
            allotment.add(names)
        return
    allotment.add(names)
    loads = [len(load.streams) for load in allotment.loads.values()]
    assert len(loads) == max(1, math.ceil(count / most))
    assert max(loads) - min(loads) <= 1


def test_a_new_stream_goes_to_its_symbol_though_there_is_more_room_elsewhere() -> None:
    allotment = Allotment(Bounds(streams=6), symbol_of)
    allotment.add([*(f"a@{number}" for number in range(4)), *(f"b@{number}" for number in range(4)), "c@0"])
    fuller = max(allotment.loads, key=lambda number: len(allotment.loads[number].streams))
    symbol = symbol_of(next(iter(allotment.loads[fuller].streams)))
    allotment.add([f"{symbol}@9"])
    assert allotment.shard_of(f"{symbol}@9") == fuller


def test_a_symbol_comes_back_to_where_it_was() -> None:
    allotment = Allotment(Bounds(streams=4), symbol_of)
    allotment.add(["a@1", "a@2", "b@1", "b@2", "c@1", "c@2"])
    home = {symbol: allotment.shard_of(f"{symbol}@1") for symbol in "abc"}
    assert len(set(home.values())) == 2
    alone = next(symbol for symbol in "abc" if list(home.values()).count(home[symbol]) == 1)
    paired = next(symbol for symbol in "abc" if symbol != alone)
    allotment.remove([f"{paired}@1", f"{paired}@2"])
    allotment.add([f"{paired}@1"])
    assert allotment.shard_of(f"{paired}@1") == home[paired]


def test_a_name_that_is_too_long_for_any_connection_is_refused() -> None:
    allotment = Allotment(Bounds(names_size=20), symbol_of)
    with pytest.raises(ConfigError, match="its name"):
        allotment.add(["a@1", "b@" + "x" * 20])
    assert places(allotment) == {}
    assert list(allotment.loads) == [1]


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([*range(12), math.inf])), max_size=200))
def test_the_agenda_tells_the_earliest_whatever_moves(moves: list[tuple[int, float]]) -> None:
    agenda: Agenda[int] = Agenda()
    plain: dict[int, float] = {}
    for key, at in moves:
        agenda.set(key, at)
        plain[key] = at
        assert agenda.next == min(plain.values())
        if agenda.next < math.inf:
            assert plain[agenda.first()] == agenda.next
        assert len(agenda._heap) <= 2 * len(plain) + 65
