"""Which shard carries which stream. Pure bookkeeping: no clock, no connection.

A stream that is wanted never moves, because that would cost a gap: it stays where it is until it is wanted no more. New
streams go to where others of their symbol are, or were last; else to the shard with the fewest streams. A symbol is
parted only where nothing else is possible.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeVar

from holdfast.errors import ConfigError

K = TypeVar("K")
_REMEMBERED = 4096  # symbols, with where they were last


class Bounds:
    """What one shard may carry: streams, symbols, characters of names as a JSON list; and how many shards there may be.

    None: no bound. Where two say something, the lower number counts.
    """

    __slots__ = ("names_size", "shards", "streams", "symbols")

    def __init__(
        self,
        streams: int | None = None,
        symbols: int | None = None,
        names_size: int | None = None,
        shards: int | None = None,
    ) -> None:
        self.streams = math.inf if streams is None else streams
        self.symbols = math.inf if symbols is None else symbols
        self.names_size = math.inf if names_size is None else names_size - 1  # brackets, less the last comma
        self.shards = math.inf if shards is None else shards


class Load:
    """What one shard carries. `symbols`: with how many streams of each."""

    __slots__ = ("names_size", "streams", "symbols")

    def __init__(self) -> None:
        self.streams: dict[str, None] = {}
        self.symbols: Counter[str] = Counter()
        self.names_size = 0


class Allotment:
    """`loads`: by the number of the shard, from 1, never used again; there is always at least one."""

    __slots__ = (
        "_former_homes",
        "_homes",
        "_last_number",
        "_shards",
        "_symbol_of",
        "bounds",
        "loads",
    )

    def __init__(self, bounds: Bounds, symbol_of: Callable[[str], str]) -> None:
        self.bounds = bounds
        self.loads: dict[int, Load] = {1: Load()}
        self._symbol_of = symbol_of
        self._last_number = 1
        self._shards: dict[str, int] = {}  # by stream
        self._homes: dict[str, Counter[int]] = {}  # by symbol: with how many of its streams in each shard
        self._former_homes: dict[str, int] = {}  # of symbols of which a stream was removed, the latest last

    def __len__(self) -> int:
        """How many streams there are."""
        return len(self._shards)

    def shard_of(self, stream: str) -> int | None:
        """Where a stream is; None if it is not wanted."""
        return self._shards.get(stream)

    def add(self, streams: Iterable[str]) -> None:
        """Find a place for each that has none. Raises ConfigError if there is none left; then nothing changed."""
        groups: dict[str, list[str]] = {}
        for stream in streams:
            if stream not in self._shards:
                groups.setdefault(self._symbol_of(stream), []).append(stream)
        groups = {symbol: list(dict.fromkeys(group)) for symbol, group in groups.items()}
        before, last_number = set(self.loads), self._last_number
        roomiest = self._prepare(groups)
        placed: list[str] = []
        try:
            for symbol, group in groups.items():
                self._place(symbol, group, roomiest, placed)
        except ConfigError:
            self._take_out(placed)
            self._last_number = last_number
            raise
        finally:
            for number in [one for one, load in self.loads.items() if not load.streams and one not in before]:
                del self.loads[number]

    def remove(self, streams: Iterable[str]) -> dict[int, list[str]]:
        """Give these up; which they were, by shard. What is left without streams is gone, but for the last shard."""
        for stream in (streams := list(streams)):
            if (number := self._shards.get(stream)) is not None:
                self._remember(self._symbol_of(stream), number)
        removed = self._take_out(streams)
        for number in removed:
            if not self.loads[number].streams and len(self.loads) > 1:
                del self.loads[number]
        return removed

    def _take_out(self, streams: Iterable[str]) -> dict[int, list[str]]:
        removed: dict[int, list[str]] = {}
        for stream in streams:
            number = self._shards.pop(stream, None)
            if number is None:
                continue
            removed.setdefault(number, []).append(stream)
            load, symbol = self.loads[number], self._symbol_of(stream)
            del load.streams[stream]
            load.names_size -= _size(stream)
            _subtract(load.symbols, symbol)
            homes = self._homes[symbol]
            _subtract(homes, number)
            if not homes:
                del self._homes[symbol]
        return removed

    def _remember(self, symbol: str, number: int) -> None:
        self._former_homes.pop(symbol, None)
        self._former_homes[symbol] = number
        if len(self._former_homes) > _REMEMBERED:
            del self._former_homes[next(iter(self._former_homes))]

    # Finding places

    def _prepare(self, groups: dict[str, list[str]]) -> list[tuple[int, int]]:
        """Open as many shards as there must be at least, so that the load is even; a heap of all, emptiest first."""
        bounds = self.bounds
        streams = len(self._shards) + sum(map(len, groups.values()))
        symbols = len(self._homes.keys() | groups.keys())
        names = sum(load.names_size for load in self.loads.values())
        names += sum(_size(stream) for group in groups.values() for stream in group)
        least = max(
            math.ceil(streams / bounds.streams),
            math.ceil(symbols / bounds.symbols),
            math.ceil(names / bounds.names_size) if bounds.names_size > 0 else 1,
        )
        while len(self.loads) < min(least, bounds.shards):
            self._open()
        heap = [(len(load.streams), number) for number, load in self.loads.items()]
        heapify(heap)
        return heap

    def _open(self) -> int:
        self._last_number += 1
        self.loads[self._last_number] = Load()
        return self._last_number

    def _place(self, symbol: str, group: list[str], roomiest: list[tuple[int, int]], placed: list[str]) -> None:
        homes = list(self._homes.get(symbol, ()))
        if not homes and (former := self._former_homes.get(symbol)) is not None and former in self.loads:
            homes = [former]
        for number in homes:
            group = self._fill(number, symbol, group, placed)
        while group:
            number = self._find(symbol, group, roomiest)
            rest = self._fill(number, symbol, group, placed)
            if len(rest) == len(group):
                raise ConfigError(self._no_room(group[0], len(group)))
            heappush(roomiest, (len(self.loads[number].streams), number))
            group = rest

    def _find(self, symbol: str, group: list[str], roomiest: list[tuple[int, int]]) -> int:
        """A shard for all of the group; a new one; or, if there may be no more, one for part of it."""
        passed: list[tuple[int, int]] = []
        part: int | None = None
        found: int | None = None
        while roomiest and found is None:
            entry = heappop(roomiest)
            count, number = entry
            if len(self.loads[number].streams) != count:
                heappush(roomiest, (len(self.loads[number].streams), number))  # it was filled as somebody's home
            elif (taken := self._takes(number, symbol, group)) == len(group) or (taken and not count):
                found = number  # or else it is empty: none can take more
            else:
                if part is None and taken:
                    part = number
                passed.append(entry)
                if count >= self.bounds.streams:
                    break  # all others have no fewer
        if found is None and len(self.loads) < self.bounds.shards:
            found = self._open()
        elif found is None and part is not None:
            found = part
            passed = [entry for entry in passed if entry[1] != part]
        for entry in passed:
            heappush(roomiest, entry)
        if found is None:
            raise ConfigError(self._no_room(group[0], len(group)))
        return found

    def _takes(self, number: int, symbol: str, group: Sequence[str]) -> int:
        """How many of these, from the first on, the shard has room for."""
        load, bounds = self.loads[number], self.bounds
        if symbol not in load.symbols and len(load.symbols) >= bounds.symbols:
            return 0
        room = min(len(group), bounds.streams - len(load.streams))
        size, taken = load.names_size, 0
        while taken < room and (size := size + _size(group[taken])) <= bounds.names_size:
            taken += 1
        return taken

    def _fill(self, number: int, symbol: str, group: list[str], placed: list[str]) -> list[str]:
        """Put as many there as it takes; the rest."""
        taken = self._takes(number, symbol, group)
        load = self.loads[number]
        for stream in group[:taken]:
            load.streams[stream] = None
            load.names_size += _size(stream)
            load.symbols[symbol] += 1
            self._homes.setdefault(symbol, Counter())[number] += 1
            self._shards[stream] = number
            placed.append(stream)
        return group[taken:]

    def _no_room(self, stream: str, more: int) -> str:
        bounds = self.bounds
        if len(self.loads) < bounds.shards:
            return f"{stream!r}: its name has {len(stream)} characters, more than a connection takes"
        each = [f"{bounds.streams} streams"] if bounds.streams < math.inf else []
        each += [f"{bounds.symbols} symbols"] if bounds.symbols < math.inf else []
        each += [f"{bounds.names_size + 1} characters of names"] if bounds.names_size < math.inf else []
        return (
            f"no room for {more} streams from {stream!r} on: {len(self._shards)} are placed, and {bounds.shards} "
            f"connections take {' and '.join(each)} each; raise Sharding.max_connections, or open another feed"
        )


def _subtract(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _size(stream: str) -> int:
    """With its quotes and a comma."""
    return len(stream) + 3
