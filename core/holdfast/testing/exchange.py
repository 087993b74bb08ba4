"""A feed service as a machine: it publishes, serves its clients, misbehaves on a script, and keeps a ledger.

The contract of its host is that of the client machine:

1. Give it one input: `start`, `accepted`, `received`, `disconnected`, `tick`, `strike`, `forgive`, `stop_publishing`;
   each with `now`, seconds on the host's monotonic clock. The host numbers the connections, never one number twice.
2. Carry out `take_commands()` in order: Write, Finish, Abort. A command for a connection that is gone is dropped.
   After Finish or Abort, whatever the host still reports of that connection is inert.
3. `take_struck()` tells of faults, as they strike.
4. Re-arm the one timer for `next_deadline()`.

What a client does never raises here.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from holdfast.errors import ConfigError, LocalProtocolError
from holdfast.testing.commands import ServerCommand
from holdfast.testing.faults import Fault, FaultRecord, Refusal
from holdfast.testing.ledger import Ledger, Publication
from holdfast.testing.market import Market, Stream
from holdfast.testing.ruled_connection import RuledConnection
from holdfast.testing.rules import Rules
from holdfast.testing.server_connection import ServerConnection
from holdfast.testing.service import Client, CombinedStreams, Service
from holdfast.window import RollingWindow


class Exchange:
    """Streams, and a script of faults: pairs of seconds after `start` and what goes wrong then.

    `ping_interval`: seconds between pings to each client, None for what the rules say. `flush_every`: messages are
    published together at multiples of so many seconds, 0 for each at its own time. `ledger_size`: how many of the
    latest publications the ledger keeps, about 150 bytes each. `rules`: what is demanded of clients, None for the
    service's own.
    """

    def __init__(
        self,
        streams: Iterable[Stream],
        script: Iterable[tuple[float, Fault]] = (),
        *,
        service: Service | None = None,
        ping_interval: float | None = None,
        flush_every: float = 0.0,
        ledger_size: int = 100_000,
        rules: Rules | None = None,
    ) -> None:
        self._service = service or CombinedStreams()
        self._rules = rules = self._service.rules if rules is None else rules
        self._ping_interval = rules.ping_interval if ping_interval is None else ping_interval
        if rules.pong_timeout is not None and self._ping_interval is None:
            raise ConfigError("Rules.pong_timeout without ping_interval: there is no ping to be answered")
        self.ledger = Ledger(ledger_size)
        self.faults: list[FaultRecord] = []  # those that struck, in order
        self._lasting: list[FaultRecord] = []  # those that may not be over
        self._market = Market(streams, rules.silent)
        self._script = deque(sorted(script, key=lambda entry: entry[0]))
        self._flush_every = flush_every
        self._dial_limit: tuple[RollingWindow, int | None] | None = None  # with the seconds of Retry-After
        if rules.dial_limit is not None:
            count, seconds, retry_after = rules.dial_limit
            self._dial_limit = RollingWindow(count, seconds), retry_after
        self._connect: Callable[..., ServerConnection] = (
            ServerConnection if rules == Rules() else partial(RuledConnection, rules)
        )
        self._connections: dict[int, ServerConnection] = {}
        self._commands: list[ServerCommand] = []
        self._told = 0  # of `faults`
        self._now = -math.inf
        self._started_at = math.inf
        self._wall_offset = 0.0
        self._deadline: float | None = None  # None: an input may have moved it

    # Inputs

    def start(self, now: float, wall_offset: float = 0.0) -> None:
        """Begin to publish, and to count the script's seconds. `wall_offset`: Unix time minus `now`."""
        if self._started_at != math.inf:
            raise LocalProtocolError("start() was called twice: an exchange starts once")
        self._started_at = self._now = now
        self._wall_offset = wall_offset
        self._market.open(now)
        self._deadline = None
        self._advance(now)

    def accepted(self, conn: int, now: float) -> None:
        """A client's dial arrived."""
        now = self._advance(now)
        connection = self._connect(
            conn,
            now,
            service=self._service,
            client=Client("", set(), set(), self._rules.max_streams, 0.0, self._latest),
            wall_offset=self._wall_offset,
            refusal=self._refusal,
            ping_interval=self._ping_interval,
            commands=self._commands,
        )
        self._connections[conn] = connection
        self.ledger.connections.append(connection.record)

    def received(self, conn: int, data: bytes, now: float) -> None:
        """Bytes of a client arrived; never empty."""
        now = self._advance(now)
        if (connection := self._connections.get(conn)) is not None:
            connection.received(data, now)
            self._forget_gone(now)

    def disconnected(self, conn: int, now: float) -> None:
        """A client's stream ended or broke; the host closes the socket itself."""
        now = self._advance(now)
        if (connection := self._connections.pop(conn, None)) is not None:
            connection.record.ended_at = now

    def tick(self, now: float) -> None:
        """The deadline has come. Early and spurious calls do nothing."""
        now = self._catch_up(now)
        assert self.next_deadline() > now, "asks to be woken in the past"

    def strike(self, fault: Fault, now: float) -> None:
        """A fault that stands in no script."""
        now = self._advance(now)
        self._strike(fault, now)
        self._forget_gone(now)

    def forgive(self, now: float) -> None:
        """Every fault that still lasts is over."""
        now = self._advance(now)
        for record in self._lasting:
            record.forgiven_at = min(record.forgiven_at, now)

    def stop_publishing(self, now: float) -> None:
        """The market closes: no message and no fault after this. Connections stay, and pings are answered."""
        self._advance(now)
        self._market.close()
        self._script.clear()

    # Outputs

    def take_commands(self) -> list[ServerCommand]:
        """What the host is to do, in order."""
        taken = self._commands[:]
        self._commands.clear()
        return taken

    def take_struck(self) -> list[FaultRecord]:
        """Faults that struck since this was last asked, in order. Their `hits` still grow."""
        taken = self.faults[self._told :]
        self._told = len(self.faults)
        return taken

    def next_deadline(self) -> float:
        """When to call `tick`: seconds on the host's clock, inf for never."""
        if self._deadline is None:
            deadline = min(self._next_flush(), self._next_fault())
            for connection in self._connections.values():
                deadline = min(deadline, connection.next_deadline())
            self._deadline = deadline
        return self._deadline

    def published_at(self, stream: str, sequence: int) -> float:
        """When a message was or will be published, in seconds."""
        return self._flushed_at(self._market.due(stream, sequence))

    @property
    def open_connections(self) -> int:
        """Clients whose handshake is done and that are not closing."""
        return sum(connection.is_open for connection in self._connections.values())

    @property
    def subscriptions(self) -> dict[int, frozenset[str]]:
        """What each of the open connections is subscribed to, by its number."""
        return {
            conn: frozenset(connection.streams | connection.client.mute)
            for conn, connection in self._connections.items()
            if connection.is_open
        }

    # Inside

    def _advance(self, now: float) -> float:
        """The one door: all that was due until `now` happens first, each at its own time, in order."""
        now = self._catch_up(now)
        self._deadline = None  # what the input itself does is still to come
        return now

    def _catch_up(self, now: float) -> float:
        self._now = now = max(now, self._now)
        while (due := self.next_deadline()) <= now:
            if self._next_fault() <= due:
                self._strike(self._script.popleft()[1], due)
            elif self._next_flush() <= due:
                self._flush(due)
            else:
                for connection in self._connections.values():
                    connection.tick(due)
            self._forget_gone(due)
            self._deadline = None
        return now

    def _next_flush(self) -> float:
        return self._flushed_at(self._market.next_due())

    def _flushed_at(self, due: float) -> float:
        if not self._flush_every or due == math.inf:
            return due
        return math.ceil(due / self._flush_every) * self._flush_every

    def _flush(self, now: float) -> None:
        self._publish(self._market.publish(), now)
        while self._market.next_due() <= now:
            self._publish(self._market.publish(), now)

    def _next_fault(self) -> float:
        return self._started_at + self._script[0][0] if self._script else math.inf

    def _strike(self, fault: Fault, now: float) -> None:
        record = FaultRecord(fault, now, len(self._connections))
        self.faults.append(record)
        if record.fault.lasts:
            self._lasting.append(record)
        for connection in fault.chosen(list(self._connections.values())):
            connection.struck(record, now)

    def _publish(self, publication: Publication, now: float) -> None:
        self.ledger.note(publication)
        text: str | None = None
        for connection in self._connections.values():
            if publication.stream in connection.streams:
                text = text or self._service.message(publication, publication.at + self._wall_offset)
                connection.publish(publication.stream, text, now)

    def _latest(self, stream: str) -> Publication | None:
        sequence = self.ledger.counts[stream]
        return Publication(stream, sequence, self._market.due(stream, sequence)) if sequence else None

    def _refusal(self) -> Refusal | None:
        """What a dial is answered with now. Asked once for each."""
        over_limit = self._over_dial_limit()
        self._lasting = [record for record in self._lasting if self._now < record.until]
        for record in self._lasting:
            if (refusal := record.fault.refusal()) is not None:
                record.hits += 1
                return refusal
        self.ledger.dials_over_limit += over_limit is not None
        return over_limit

    def _over_dial_limit(self) -> Refusal | None:
        """Counts the dial, too, whatever becomes of it."""
        if self._dial_limit is None:
            return None
        window, retry_after = self._dial_limit
        exceeds = window.free_at(self._now) > self._now
        window.note(self._now)
        return Refusal(self._rules.dial_limit_status, retry_after) if exceeds else None

    def _forget_gone(self, now: float) -> None:
        for connection in [one for one in self._connections.values() if one.is_gone]:
            connection.record.ended_at = now
            del self._connections[connection.conn]
