"""Floor 4, and the machine that drivers drive: one door for every input, one clock, one list of commands and of items.

The contract of a driver, in five steps:

1. Give the machine one input: `start`, `connected`, `connect_failed`, `received`, `disconnected`, `tick`, `send`,
   `close`; each with `now`, seconds on the driver's monotonic clock. (And `endpoint_made`, `on_connect_done`,
   `resynced`, where a command asks for them; `awaiting_proxy`, where a dial goes through one; and `postponed` in place
   of a dial, for a driver that has reasons of its own.)
2. Carry out `take_commands()` in order. A Write for a connection that is gone is dropped in silence; numbers of
   connections are never reused, so late bytes of an old socket are inert.
3. Wake the consumer if `has_items`; it takes them with `take_items()`, or `take_run()`.
4. Re-arm the one timer, only if `next_deadline()` moved. (After `received` it may have if that returned True.)
5. Before a `tick`, read what is readable: the machine must not judge a peer while its words lie unread. (Where that
   takes a turn of the loop: `is_due` says whether anybody is to be judged.)

Remote faults never raise here. Misuse by the caller raises LocalProtocolError and changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sized
from heapq import heappop, heappush

from holdfast.commands import Command
from holdfast.config import FeedConfig
from holdfast.connection import Connection, encode
from holdfast.connection import State as ConnectionState
from holdfast.endpoint import Endpoint
from holdfast.errors import LocalProtocolError, NotOpen
from holdfast.events import Closed, Event, Gap, Item, Message, RecentEvent
from holdfast.failures import Failure
from holdfast.fleet.memory import Memory
from holdfast.fleet.shards import Shards
from holdfast.randomness import Randomness
from holdfast.stats import FeedStats, StreamStats
from holdfast.supervisor import ItemQueue, Shared, Supervisor
from holdfast.wire import check_close

# Timers of an event loop are some milliseconds late in good health. Later than this, it was we who did not run.
_LATENESS_TOLERATED = 0.05


class Fleet:
    """One feed: a shard, or as many as its streams need, with one clock, one queue, and one budget of dials for all.

    `random` spreads retries; `entropy(n)` returns n unpredictable bytes for masks and nonces (`os.urandom`, or a
    seeded source to replay an incident). `observe` is shown every event when it happens, which may be long before the
    consumer takes it; it must give no input and not raise.
    """

    __slots__ = (
        "_by_conn",
        "_inputs",
        "_now",
        "_paced",
        "_reminders",
        "_shards",
        "_shared",
        "_stall_after",
        "_started",
        "_wake",
        "commands",
        "drained_at",
    )

    def __init__(
        self,
        config: FeedConfig,
        *,
        random: Randomness,
        entropy: Callable[[int], bytes],
        observe: Callable[[Event], None] | None = None,
    ) -> None:
        memory = Memory(config)
        self._shared = Shared(ItemQueue(memory.queue, config.overflow), random, entropy, observe)
        self._shards = Shards(config, self._shared, memory)
        self._by_conn = self._shared.shards
        self.commands: Sized = self._shared.commands  # empty, if there is nothing to carry out
        self._stall_after = config.stall_after
        self._now = -math.inf
        self._wake = math.inf  # never later than the earliest deadline; looked at anew when it has come
        self._paced = config.message_window is not None
        self._started = False
        self._reminders: list[float] = []  # a heap
        self._inputs = 0  # of subscribe and unsubscribe
        self.drained_at = math.inf  # since when a paused connection could be read again

    # Inputs

    def start(self, now: float, wall_offset: float = 0.0) -> None:
        """Begin to dial. `wall_offset`: Unix time minus `now`. Give it anew with `set_wall_offset` when it drifts."""
        if self._started:
            raise LocalProtocolError("start() was called twice: a feed starts once")
        self._started = True
        self._shared.wall_offset = wall_offset
        now = self._enter(now)
        self._shards.start(now)
        self._look_ahead(now)

    def set_wall_offset(self, wall_offset: float) -> None:
        """The wall clock was set. It serves only what is written in wall time, such as Retry-After dates."""
        self._shared.wall_offset = wall_offset

    def endpoint_made(self, conn: int, endpoint: Endpoint, now: float) -> None:
        """The user's function made an endpoint. If it failed, that is `connect_failed`."""
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            self._shards.endpoint_made(shard, conn, endpoint, now)
            self._leave(shard, now)

    def awaiting_proxy(self, conn: int, proxy: str, now: float) -> None:
        """The dial waits for this proxy (its name for people); for "", no more. So it is known who hangs."""
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            shard.connections[conn].awaiting_proxy(proxy)
            self._leave(shard, now)

    def connected(self, conn: int, now: float) -> None:
        """The dial succeeded, TLS included."""
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            shard.connected(conn, now)
            self._leave(shard, now)

    def connect_failed(self, conn: int, failure: Failure, now: float) -> None:
        """The dial failed."""
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            shard.connect_failed(conn, failure, now)
            self._leave(shard, now)

    def postponed(self, conn: int, until: float, now: float) -> None:
        """The driver did not dial, and is to be asked again at `until`: it keeps a window of dials that the machine
        knows nothing of, such as one that is shared with other processes.
        """
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            shard.postponed(conn, until, now)
            self._leave(shard, now)

    def on_connect_done(self, conn: int, failure: Failure | None, now: float) -> None:
        """The user's `on_connect` returned (None), or failed."""
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            shard.on_connect_done(conn, failure, now)
            self._leave(shard, now)

    def resynced(self, job: int, snapshot: object, now: float) -> None:
        """The user's function fetched a snapshot."""
        now = self._enter(now)
        self._shards.resynced(job, snapshot, now)
        self._look_ahead(now)

    def resync_failed(self, job: int, failure: Failure, now: float) -> None:
        """It raised."""
        now = self._enter(now)
        self._shards.resync_failed(job, failure, now)
        self._look_ahead(now)

    def received(self, conn: int, data: bytes, now: float) -> bool:
        """Bytes arrived; never empty. Returns whether the next deadline may have moved."""
        if not data:
            raise LocalProtocolError("received() with no bytes: report the end of the stream with disconnected()")
        if self._now < now <= self._now + _LATENESS_TOLERATED:
            self._now = now  # as `_enter` does where there is no stall to be seen
        else:
            now = self._enter(now)
        shard = self._by_conn.get(conn)
        if shard is not None and shard.received(conn, data, now):
            self._leave(shard, now)
            return True
        return False

    def disconnected(self, conn: int, failure: Failure | None, now: float) -> None:
        """The stream ended (None), or broke."""
        now = self._enter(now)
        if (shard := self._by_conn.get(conn)) is not None:
            shard.disconnected(conn, failure, now)
            self._leave(shard, now)

    def tick(self, now: float) -> None:
        """The deadline has come. Early and spurious calls do nothing."""
        now = self._enter(now)
        while self._reminders and self._reminders[0] <= now:
            heappop(self._reminders)
        if now >= self.next_deadline():
            self._shards.tick(now)
            self._look_ahead(now)
            assert self.next_deadline() > now, "asks to be woken in the past"

    def send(self, message: str | bytes, now: float, shard: int | None = None) -> None:
        """One message on the open connection; of this shard, which must be given where there are several. If NotOpen,
        FeedClosed or LocalProtocolError is raised, nothing was sent.
        """
        now = self._enter(now)
        sender = self._shards.send(message, now, shard)
        if self._paced:  # else no deadline moved
            self._leave(sender, now)

    def subscribe(self, streams: Iterable[str], now: float) -> None:
        """Want these streams from now on. Raises ConfigError for what cannot be asked for; then nothing changed."""
        now = self._enter(now)
        self._shards.subscribe(streams, now)
        self._inputs += 1
        self._look_ahead(now)

    def unsubscribe(self, streams: Iterable[str], now: float) -> None:
        """Want these no more."""
        now = self._enter(now)
        self._shards.unsubscribe(streams, now)
        self._inputs += 1
        self._look_ahead(now)

    def resync(self, streams: Iterable[str], now: float) -> None:
        """Get new snapshots of these. Raises ConfigError for those of which there are none."""
        now = self._enter(now)
        self._shards.resync(streams, now)
        self._look_ahead(now)

    def rotate(self, now: float) -> None:
        """Replace the open connections by fresh ones, without a gap; one shard after the other."""
        now = self._enter(now)
        self._shards.rotate(now)
        self._look_ahead(now)

    def remind(self, at: float) -> None:
        """Have `tick` called at that time, for somebody who waits with a timeout; it changes nothing else."""
        heappush(self._reminders, at)

    def send_on(self, conn: int, message: str | bytes, now: float) -> None:
        """One message of `on_connect`'s, on its connection. Raises NotOpen when that is gone."""
        now = self._enter(now)
        encode(message)
        if (shard := self._by_conn.get(conn)) is None:
            raise NotOpen(f"connection {conn} is gone")
        shard.connections[conn].send(message, now)
        self._leave(shard, now)

    def close(self, now: float, code: int = 1000, reason: str = "") -> None:
        """End everything within `Timeouts.close`. Items that are queued can still be taken."""
        check_close(code, reason)
        now = self._enter(now)
        self._shards.close(now, code, reason)
        self._look_ahead(now)

    # Outputs

    def new_connection(self, conn: int) -> Connection | None:
        """The connection, while `on_connect` runs for it."""
        if (shard := self._by_conn.get(conn)) is None:
            return None
        connection = shard.connections[conn]
        return connection if connection.state is ConnectionState.GREETING else None

    def take_commands(self) -> list[Command]:
        """What the driver is to do, in order."""
        commands = self._shared.commands
        if not commands:
            return []
        taken = commands[:]
        commands.clear()
        return taken

    def take_items(self, limit: int | None = None) -> list[Item]:
        """Messages and events, in order, at most `limit`. The deadline may move: look at it again."""
        items = self._shared.queue.take(limit)
        self._note_drained()
        return items

    def take_run(self, limit: int) -> list[Message] | Event | None:
        """Likewise, for speed: one event, or the messages before the next, at most `limit`; None: there is nothing."""
        run = self._shared.queue.take_run(limit)
        if self._shards.may_be_paused:
            self._note_drained()
        return run

    def next_deadline(self) -> float:
        """When to call `tick`: seconds on the driver's clock, inf for never."""
        deadline = self._wake
        if self.drained_at < deadline:
            deadline = self.drained_at
        if self._reminders and self._reminders[0] < deadline and not self.is_closed:
            deadline = self._reminders[0]
        return deadline

    def is_due(self, now: float) -> bool:
        """Whether a `tick` would do more than look at the clock, so that what is readable must be read before it."""
        deadline = min(self._shards.agenda.next, self.drained_at)
        return deadline <= now or bool(self._reminders and self._reminders[0] <= now)

    def stream_states(self) -> dict[str, str]:
        """For each wanted stream: `wanted`, `asked`, `subscribed` or `refused`."""
        return self._shards.account.stream_states()

    @property
    def changes(self) -> int:
        """As long as this number stays the same, so do the states of streams."""
        return self._shared.told + self._inputs

    @property
    def shards(self) -> dict[int, tuple[str, ...]]:
        """The streams that each shard carries, by its number."""
        return self._shards.streams

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The latest gaps, oldest first: those declared, and those that another connection filled."""
        return self._shards.account.gaps

    @property
    def has_items(self) -> bool:
        """Whether `take_items` would return any."""
        return self._shared.queue.count > 0

    @property
    def is_open(self) -> bool:
        """Whether a connection is open."""
        return self._shards.is_open()

    def may_send(self, shard: int | None = None) -> bool:
        """Whether `send` would be taken, or refused for something that no waiting mends."""
        return self._shards.may_send(shard)

    @property
    def is_closed(self) -> bool:
        """Whether everything has ended: no dial, no timer, no socket."""
        return self._shards.ended is not None and not self._by_conn

    @property
    def ended(self) -> Closed | None:
        """The last item, as soon as it is known; it may still stand in the queue."""
        return self._shards.ended

    def stats(self, now: float) -> FeedStats:
        """The state of the feed at `now`."""
        return self._shards.stats(max(now, self._now))

    def stream_stats(self, now: float) -> dict[str, StreamStats]:
        """Of each stream that is wanted, at `now`."""
        return self._shards.account.stream_stats(max(now, self._now))

    @property
    def recent_events(self) -> tuple[RecentEvent, ...]:
        """The latest events as they happened, oldest first, but for pongs; taken by the consumer or not."""
        return tuple(self._shared.recent)

    # Inside

    def _enter(self, now: float) -> float:
        """The one door: time never runs backwards, and nobody else is blamed for a wake-up that came late."""
        last = self._now
        if now <= last:
            return last
        self._now = now
        # We were away since the last input at the earliest, however long a deadline has been overdue.
        if now - last > _LATENESS_TOLERATED and (late := now - max(self._wake, last)) > _LATENESS_TOLERATED:
            self._shards.stalled(late, now, report=late >= self._stall_after)
        return now

    def _note_drained(self) -> None:
        if not self._shards.check_drained():
            self.drained_at = math.inf
        elif self.drained_at == math.inf:
            self.drained_at = self._now

    def _leave(self, shard: Supervisor, now: float) -> None:
        self._shards.touched(shard, now)
        self._look_ahead(now)

    def _look_ahead(self, now: float) -> None:
        if self._shards.may_be_paused or self.drained_at < math.inf:
            self._note_drained()
        wake = self._shards.agenda.next
        if self._by_conn:
            # A regular look at the clock: a stall shows even where no deadline is near.
            wake = min(wake, now + self._stall_after)
            if now < self._wake <= wake:
                return  # a look too many costs less than a timer that is armed anew with every input
        self._wake = wake
