"""What the connections of a feed bring, made one stream, and what of it was lost, declared.

With one connection there is nothing to merge, and its messages pass through untouched.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from holdfast.config import FeedConfig
from holdfast.connection import Connection
from holdfast.events import Event, Gap, Message
from holdfast.failures import Cause, Failure
from holdfast.supervisor.above import Readings
from holdfast.supervisor.gaps import Ledger
from holdfast.supervisor.leg import Leg
from holdfast.supervisor.merge import Merge, Name, Orphan
from holdfast.supervisor.strand import size_of
from holdfast.supervisor.tally import Tally


class Outlet(Protocol):
    """The feed, as what its connections bring sees it."""

    def emit(self, event: Event) -> None:
        """An event, behind all that was put."""

    def put(self, messages: list[Message], nbytes: int, now: float) -> None:
        """Messages for the consumer. The list is the feed's from now on."""


class Delivery:
    """Of one feed. `wanted`: its streams; `connections`: also those that are closing; `carriers`: the leg of each."""

    __slots__ = (
        "_carriers",
        "_config",
        "_connections",
        "_merge",
        "_outlet",
        "_overlap",
        "_wanted",
        "ledger",
    )

    def __init__(
        self,
        outlet: Outlet,
        config: FeedConfig,
        tally: Tally,
        wanted: dict[str, None],
        connections: Mapping[int, Connection],
        carriers: Mapping[int, Leg],
        overlap: float,
    ) -> None:
        self.ledger = Ledger(outlet, tally)
        self._outlet = outlet
        self._config = config
        self._wanted = wanted
        self._connections = connections
        self._carriers = carriers
        self._overlap = overlap  # seconds
        self._merge = self._new_merge() if config.legs > 1 else None

    @property
    def merges(self) -> bool:
        """Whether there is, or was lately, more than one connection."""
        return self._merge is not None

    # Connections

    def begin(self, leg: Leg, connection: Connection, now: float) -> None:
        """A second one is to come beside this one."""
        if self._merge is not None:
            return
        conn, streams = connection.conn, leg.streams
        self._merge = self._new_merge()
        self._merge.add(conn, leg.tally)
        self._merge.carries(conn, (None,) if streams is None else streams.held, now)
        self._merge.carries_no_more(conn, () if streams is None else streams.doubtful, gone=False)

    def end_if_even(self) -> bool:
        """The only connection is left: merge no more, if it has brought all that others delivered."""
        if self._merge is None or not self._merge.is_even:
            return False
        self._merge = None
        return True

    def dialled(self, leg: Leg, connection: Connection) -> None:
        if self._merge is not None:
            self._merge.add(connection.conn, leg.tally)

    def refused(self, connection: Connection) -> None:
        if self._merge is not None:
            self._merge.leave(connection.conn)

    def opened(self, connection: Connection, now: float) -> None:
        if self._config.dialect is None:
            self.ledger.settle(now)
            if self._merge is not None:
                # With requests of ours on the way, nobody knows from when on it brings what.
                asks = self._config.on_open or self._config.on_connect is not None
                self._put(self._merge.carries(connection.conn, (None,), math.inf if asks else now), now)

    def covered(self, connection: Connection, streams: Sequence[str], now: float) -> None:
        self.ledger.covered(streams, now)
        if self._merge is not None:
            self._put(self._merge.carries(connection.conn, streams, now), now)

    def uncovered(self, connection: Connection, streams: Sequence[str], now: float, *, gone: bool) -> None:
        if self._merge is not None:
            failure = Failure(Cause.ROTATION, "only one connection was sure of it, and may bring it no more")
            for orphan in self._merge.carries_no_more(connection.conn, streams, gone=gone):
                since = self._merge.delivered_at(orphan.stream)
                self._bequeath([orphan], connection.opened_at if since is None else since, failure, now)
            self._merge.forget(stream for stream in streams if stream not in self._wanted)

    def lost(
        self, connection: Connection, other: Connection | None, since: float, failure: Failure, now: float
    ) -> None:
        """It is gone. `other`: one that is open, if there is one."""
        orphans = self._merge.leave(connection.conn) if self._merge is not None else []
        if other is None:
            self.ledger.lost(since, failure, self._wanted)
        elif orphans:
            self._bequeath(orphans, since, failure, now)
        else:
            self.ledger.remember(Gap(now, since, now, failure, filled_by=other.conn))

    def handed_over(self, connection: Connection, now: float) -> None:
        """Another one takes over from it, and nothing is left to prove."""
        assert self._merge is not None
        for orphan in self._merge.leave(connection.conn):  # what the service does not give any more
            if orphan.stream in self._wanted:
                self.ledger.lost_stream(orphan.stream, now, Failure(Cause.ROTATION, "refused by the new connection"))

    # What they bring

    @property
    def readings(self) -> Readings | None:
        """What was read lately, and may come again on another connection; None where there is none."""
        merge = self._merge
        return merge.readings if merge is not None and len(merge.lines) > 1 else None

    def deliver(self, leg: Leg, messages: list[Message], nbytes: int, now: float) -> None:
        if self._merge is None:
            leg.tally.first += len(messages)
            self._outlet.put(messages, nbytes, now)
        elif leg.current is not None:
            fresh = self._merge.put(leg.current.conn, messages, nbytes, now)
            if len(fresh) == len(messages) and fresh[0] is messages[0] and fresh[-1] is messages[-1]:
                self._outlet.put(fresh, nbytes, now)
            else:
                self._put(fresh, now)
            if self._merge.is_too_large:
                self._hold_no_more(now)

    def was_silent(self, connection: Connection | None, stream: str, since: float, now: float) -> None:
        if self._merge is not None and connection is not None:
            conn = connection.conn
            if any(other != conn and self._brings(other, stream) for other in self._merge.lines):
                return
        if not self.ledger.declared_until(now, stream):  # as what nobody was sure of
            self.ledger.declare(Gap(now, since, now, Failure(Cause.STREAM_SILENT, stream), stream=stream))

    def missed(self, connection: Connection | None, first: int, last: int, since: float, now: float) -> None:
        failure = Failure(Cause.SEQUENCE, "of the connection")
        gap = Gap(now, since, now, failure, first_missing=first, last_missing=last)
        merge = self._merge
        if merge is None or connection is None:
            self.ledger.declare(gap)
            return
        lost = merge.doubt(connection.conn, now)
        others = [conn for conn, line in merge.lines.items() if conn != connection.conn and line.carried]
        if not others or (lost and len(lost) >= len(merge.lines[connection.conn].carried)):
            self.ledger.declare(gap)
        elif lost:
            for stream in lost:
                self.ledger.declare(dataclasses.replace(gap, stream=stream, first_missing=None, last_missing=None))
        else:
            self.ledger.remember(dataclasses.replace(gap, filled_by=others[0]))

    def _brings(self, conn: int, stream: str) -> bool:
        """Whether it is sure of the stream, and has not fallen silent itself."""
        assert self._merge is not None
        streams = self._carriers[conn].streams
        return self._merge.is_sure(conn, stream) and not (streams is not None and streams.misses(stream))

    # Proofs

    def ponged(self, connection: Connection, pinged_at: float, now: float) -> None:
        if self._merge is not None:
            for _, fresh in self._merge.ponged(connection.conn, pinged_at, now):
                self._put(fresh, now)

    def is_sure(self, connection: Connection) -> bool:
        """Whether nothing can be missing of all that it carries."""
        return self._merge is not None and self._merge.is_sure_of_all(connection.conn)

    @property
    def has_unsure(self) -> bool:
        """Whether any of them has something left to prove."""
        return self._merge is not None and any(map(self._merge.unsure, self._merge.lines))

    def go_on_with(self, connection: Connection, since: float, failure: Failure, now: float) -> None:
        """Time is up for what it has not proven."""
        assert self._merge is not None
        conn = connection.conn
        self._bequeath([Orphan(stream, conn) for stream in self._merge.unsure(conn)], since, failure, now)

    def give_up_waiting(self, before: float, now: float) -> None:
        """For proofs of what was brought by then, and is held."""
        for conn, stream in self._merge.overdue(before) if self._merge is not None else ():
            self._give_up_waiting(conn, stream, "the other connection brought nothing meanwhile", now)

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look, or did not read."""
        if self._merge is not None:
            self._merge.excuse(late)

    def _hold_no_more(self, now: float) -> None:
        """For want of memory: nobody can wait for proofs any longer."""
        assert self._merge is not None
        for conn, stream in self._merge.held_by():
            if self._merge.is_held(conn, stream) and not self._merge.let_go(conn, stream):
                self._give_up_waiting(conn, stream, "too much is held: Limits.max_queue_size", now)

    def _give_up_waiting(self, conn: int, stream: Name, why: str, now: float) -> None:
        """For a proof: it goes on, and what may be missing before is declared."""
        assert self._merge is not None
        if not self._merge.is_held(conn, stream):
            return  # what another one brought has settled it
        since = self._merge.delivered_at(stream)
        if since is None:  # whoever was sure of it has brought nothing since the others joined
            sure = [other for other in self._merge.lines if self._merge.is_sure(other, stream)]
            since = min((self._connections[other].last_received for other in sure), default=now)
        self._merge.go_on_with(conn, stream)
        self._bequeath([Orphan(stream, conn)], since, Failure(Cause.ROTATION, why), now)

    def _bequeath(self, orphans: list[Orphan], since: float, failure: Failure, now: float) -> None:
        """Nobody is sure of these streams: the heirs go on with them, and what cannot be proven is declared lost."""
        merge = self._merge
        assert merge is not None
        lost: list[Name] = []
        for orphan in orphans:
            if orphan.heir is None:
                if orphan.stream in self._wanted:
                    self.ledger.lost_stream(orphan.stream, since, failure)
            elif not merge.joins_last(orphan.heir, orphan.stream):  # wanted or not: what is on its way still comes
                lost.append(orphan.stream)
        if None in lost or (lost and self._wanted.keys() <= set(lost)):
            self.ledger.declare(Gap(now, since, now, failure))
        else:
            for stream in lost:
                self.ledger.declare(Gap(now, since, now, failure, stream=stream))
        for orphan in orphans:
            if orphan.heir is not None:
                self._put(merge.prove(orphan.heir, orphan.stream, now), now)

    def _put(self, fresh: list[Message], now: float) -> None:
        if fresh:
            self._outlet.put(fresh, sum(map(size_of, fresh)), now)

    def _new_merge(self) -> Merge:
        by_stream = self._config.dialect is not None
        return Merge(by_stream=by_stream, overlap=self._overlap, bound=self._config.limits.max_queue_size)
