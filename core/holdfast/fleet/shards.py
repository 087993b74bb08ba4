"""The shards of a feed: what each carries, when each is due, who rotates, and what happens to all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from holdfast.config import FeedConfig
from holdfast.connection import encode
from holdfast.dialects.dialect import Dialect, check_streams, symbol_of
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError, FeedClosed, LocalProtocolError
from holdfast.events import Closed, Event, Gap, Message, Paused, Resumed, ShardEnded, Stall
from holdfast.failures import Cause, Failure
from holdfast.fleet.account import Account
from holdfast.fleet.agenda import Agenda
from holdfast.fleet.allotment import Allotment, Bounds, Load
from holdfast.fleet.bounds import allot, asks_by_url, bounds_of
from holdfast.fleet.memory import Memory
from holdfast.fleet.unrest import Unrest
from holdfast.settings import Limits
from holdfast.stats import FeedStats
from holdfast.supervisor import PassOn, Resyncs, Shared, Supervisor

_NOTHING = Allotment(Bounds(shards=1), str)  # of all feeds without a dialect: nothing is ever put there


class Shards:
    """Those that run, by number; one at least, until the feed has ended. `ended`: the feed's last item, then."""

    __slots__ = (
        "_allotment",
        "_config",
        "_memory",
        "_paused_at",
        "_resyncs",
        "_rotating",
        "_running",
        "_shared",
        "_started",
        "_to_rotate",
        "_unrest",
        "_url_asks",
        "account",
        "agenda",
        "ended",
        "may_be_paused",
    )

    def __init__(self, config: FeedConfig, shared: Shared, memory: Memory) -> None:
        self.agenda: Agenda[Supervisor | Resyncs] = Agenda()
        self.ended: Closed | None = None
        self._config = config
        self._shared = shared
        self._memory = memory
        self._started = False
        self._url_asks = asks_by_url(config)
        self._allotment = _NOTHING if config.dialect is None else Allotment(bounds_of(config), self._symbol_of)
        self._running: dict[int, Supervisor] = {}
        self._to_rotate: tuple[Supervisor, ...] = ()  # one after the other
        self._rotating: Supervisor | None = None
        self.may_be_paused = False  # none is, if not
        self._paused_at = 0.0
        self.account = Account(self._running, shared)
        self._unrest = Unrest(config, shared)
        self._resyncs: Resyncs | None = None
        if (resync := memory.resync) is not None:
            self._resyncs = Resyncs(resync, config.backoff, config.retry.stable_after, shared, self)
            self._resyncs.want(config.streams)
        allot(self._allotment, config.streams, url_asks=self._url_asks)
        self._open_missing(0.0)

    # Inputs

    def start(self, now: float) -> None:
        """Begin to dial."""
        self._started = True
        if self.ended is None:
            for shard in list(self._running.values()):
                shard.start(now)
                self.touched(shard, now)

    def touched(self, shard: Supervisor, now: float) -> None:
        """To be called after every input to one of them."""
        self.agenda.set(shard, shard.next_deadline())
        self._resyncs_touched()
        if self._unrest.is_noted:
            self._calm(now)
        if shard is self._rotating and not shard.is_rotating:
            self._rotating = None
            self._rotate_next(now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.check_drained():
            for shard in self._running.values():
                shard.resume(now - self._paused_at, now)
            self.may_be_paused = False
            self.emit(Resumed(now, self._shared.queue.size))
            self._all_touched(now)
        while self.agenda.next <= now:
            due = self.agenda.first()
            due.tick(now)
            if isinstance(due, Supervisor):
                self.touched(due, now)
            else:
                self._resyncs_touched()

    def endpoint_made(self, shard: Supervisor, conn: int, endpoint: Endpoint, now: float) -> None:
        """One whose URL asks for streams is for a single connection: there must be no second one then, or all ends."""
        dialect = self._config.dialect
        asks = dialect is not None and self.ended is None and bool(dialect.asked_by(endpoint))
        if not asks or len(self._running) == 1:
            if asks:
                self._allotment.bounds.shards = 1
                self._url_asks = True
            shard.endpoint_made(conn, endpoint, now)
            return
        shard.connections[conn].endpoint_made(None)
        failure = Failure(Cause.ENDPOINT, "a URL that asks for streams", final=True)
        reason = (
            f"the streams need {len(self._running)} connections, and each would bring what the URL asks for: make a "
            "URL that asks for no streams"
        )
        self._end(Closed(now, failure, reason))

    def stalled(self, late: float, now: float, *, report: bool) -> None:
        """Our own process was away for `late` seconds: whatever judges others waits that much longer."""
        for shard in self._all():
            shard.stalled(late)
        if self._resyncs is not None:
            self._resyncs.stalled(late)
        if report and self._started and self.ended is None:
            self.account.stalls += 1
            self.emit(Stall(now, late))
        self._all_touched(now)

    def subscribe(self, streams: Iterable[str], now: float) -> None:
        """Raises ConfigError for what cannot be asked for: nothing changed. LocalProtocolError: there is no dialect."""
        dialect = self._need_dialect()
        streams = list(streams)
        check_streams(dialect, streams)
        allot(self._allotment, streams, url_asks=self._url_asks)
        if self._resyncs is not None:
            self._resyncs.want(streams)
        theirs: dict[int, list[str]] = {}
        for stream in dict.fromkeys(streams):
            number = self._allotment.shard_of(stream)
            assert number is not None
            theirs.setdefault(number, []).append(stream)
        for number, some in theirs.items():
            if (shard := self._running.get(number)) is not None:
                shard.subscribe(some, now)
                self.touched(shard, now)
        self._open_missing(now)

    def unsubscribe(self, streams: Iterable[str], now: float) -> None:
        """Raises LocalProtocolError without a dialect."""
        self._need_dialect()
        streams = list(streams)
        theirs = self._allotment.remove(streams)
        carriers = {number: self._running[number] for number in theirs}
        for number, shard in carriers.items():
            if number in self._allotment.loads:
                shard.unsubscribe(theirs[number], now)
            else:
                shard.retire(now)
                self._forget(number)
        for shard in carriers.values():  # now that it is settled who goes on: one may get its turn to rotate
            self.touched(shard, now)
        if self._resyncs is not None:
            self._resyncs.forget(streams, now)
            self._resyncs_touched()

    def resync(self, streams: Iterable[str], now: float) -> None:
        """Get new snapshots of these; of all that have one, if none is named. Raises ConfigError for others."""
        if self._resyncs is None:
            raise ConfigError("this feed has no resync: give open_feed(..., resync=Resync(...))")
        self._resyncs.ask(tuple(streams), now)
        self._resyncs_touched()

    def resynced(self, job: int, snapshot: object, now: float) -> None:
        """A snapshot was fetched."""
        if self._resyncs is not None:
            self._resyncs.fetched(job, snapshot, now)
            self._resyncs_touched()

    def resync_failed(self, job: int, failure: Failure, now: float) -> None:
        """It was not."""
        if self._resyncs is not None:
            self._resyncs.failed(job, failure, now)
            self._resyncs_touched()

    def rotate(self, now: float) -> None:
        """Replace every connection that is open, without a gap; one shard after the other."""
        self._to_rotate = tuple(dict.fromkeys((*self._to_rotate, *self._running.values())))
        self._rotate_next(now)

    def send(self, message: str | bytes, now: float, number: int | None) -> Supervisor:
        """Raises FeedClosed, NotOpen, or LocalProtocolError for what cannot be sent: nothing was."""
        if self.ended is not None:
            encode(message)
            raise FeedClosed("the feed is closed: open a new one to send")
        if number is None and len(self._running) > 1:
            raise LocalProtocolError(
                f"this feed has {len(self._running)} shards, with a connection each: say which, as in "
                f"send(message, shard={next(iter(self._running))}); Feed.shards lists what they carry"
            )
        shard = self._running.get(number) if number is not None else next(iter(self._running.values()))
        if shard is None:
            raise LocalProtocolError(f"shard={number}: this feed has {', '.join(map(str, self._running))}")
        shard.send(message, now)
        return shard

    def close(self, now: float, code: int, reason: str) -> None:
        """End all, within `Timeouts.close`."""
        if self.ended is None:
            self._end(Closed(now), code, reason)

    @property
    def pass_on(self) -> PassOn:
        """Where messages of shards go."""
        return self.queue if self._resyncs is None else self._resyncs.put

    # What supervisors tell, and those who hold messages for snapshots

    def emit(self, event: Event) -> None:
        self._shared.emit(event)

    def queue(self, messages: list[Message], nbytes: int, now: float) -> int:
        """For the consumer, as long as there is no end. How many were dropped for it."""
        if self.ended is not None:
            return 0
        queue = self._shared.queue
        dropped = queue.dropped
        if queue.put_messages(messages, nbytes, now):
            self.queue_is_full(now)
        return queue.dropped - dropped

    def noted(self, shard: Supervisor, event: Event) -> None:
        self._unrest.note(shard, event)

    def declared(self, gap: Gap, streams: Iterable[str]) -> None:
        if self._resyncs is not None:
            self._resyncs.declared(gap, streams, gap.at)

    def lose(self, gap: Gap) -> None:
        """Declare it, in its stream's shard."""
        number = self._allotment.shard_of(gap.stream) if gap.stream is not None else None
        shard = self._running[number] if number is not None else next(iter(self._running.values()))
        shard.lose(gap)

    def queue_is_full(self, now: float) -> None:
        policy, queue = self._config.overflow.policy, self._shared.queue
        if policy == "pause":
            if sum(shard.pause() for shard in self._running.values()):
                self.may_be_paused, self._paused_at = True, now
                self.emit(Paused(now, queue.size))
                self._all_touched(now)
        elif policy == "fail" and self.ended is None:
            failure = Failure(Cause.OVERFLOW, f"{queue.size} bytes queued")
            for shard in self._running.values():
                shard.fail(failure, now)
            self._end(Closed(now, failure, "Overflow.policy is fail"))

    def gave_up(self, failure: Failure, reason: str, now: float) -> None:
        self._end(Closed(now, failure, reason))

    def shard_gave_up(self, shard: Supervisor, failure: Failure, reason: str, now: float) -> None:
        number = shard.number
        if number is None or self._config.sharding.ends_with == "first":
            self._end(Closed(now, failure, reason))
            return
        streams = tuple(self._allotment.loads[number].streams)
        self._allotment.remove(streams)
        if self._resyncs is not None:
            self._resyncs.forget(streams, now)
        self._forget(number)
        self.emit(ShardEnded(now, failure, reason, streams, shard=number))

    # Getters

    @property
    def streams(self) -> dict[int, tuple[str, ...]]:
        """What each carries. Some may be about to end: an observer may ask in the midst of an input."""
        loads = self._allotment.loads
        return {number: tuple(loads[number].streams) for number in self._running if number in loads}

    def check_drained(self) -> bool:
        """Whether reading was paused, and can go on: give it a tick."""
        if not self.may_be_paused or not self._shared.queue.is_half_empty:
            return False
        self.may_be_paused = any(shard.is_paused for shard in self._running.values())
        return self.may_be_paused

    def is_open(self, number: int | None = None) -> bool:
        """Whether this one is open; any, if no number is given."""
        shards = self._running.values() if number is None else [self._running[number]]
        return any(shard.is_open for shard in shards)

    def may_send(self, number: int | None) -> bool:
        """Whether there is nothing to wait for: `send` takes it, or no waiting helps."""
        if number is None:
            return len(self._running) > 1 or self.is_open()
        return number not in self._running or self.is_open(number)

    def stats(self, now: float) -> FeedStats:
        """All of them together, and each."""
        dropped = self._shared.queue.dropped + (self._resyncs.dropped if self._resyncs is not None else 0)
        return self.account.stats(self.ended, dropped, now)

    # Inside

    def _symbol_of(self, stream: str) -> str:
        dialect = self._config.dialect
        return stream if dialect is None else symbol_of(dialect, stream)

    def _all(self) -> Iterator[Supervisor]:
        """Those, too, that only wait for their sockets to close."""
        return iter(dict.fromkeys((*self._running.values(), *self._shared.shards.values())))

    def _all_touched(self, now: float) -> None:
        for shard in self._all():
            self.touched(shard, now)

    def _need_dialect(self) -> Dialect:
        if self._config.dialect is None:
            raise LocalProtocolError("this feed has no dialect: send requests yourself, or in on_open")
        if self.ended is not None:
            raise FeedClosed("the feed is closed: open a new one to subscribe")
        return self._config.dialect

    def _open_missing(self, now: float) -> None:
        new: list[Supervisor] = []
        missing = {number: load for number, load in self._allotment.loads.items() if number not in self._running}
        limits = self._memory.limits_of(missing.keys())
        for number, load in missing.items():
            self._running[number] = Supervisor(self._config_of(load, limits), self._shared, self)
            new.append(self._running[number])
        self._number()
        for shard in new:
            if self._started:
                shard.start(now)
            self.touched(shard, now)

    def _config_of(self, load: Load, limits: Limits) -> FeedConfig:
        """The feed's own, where that is the same: most feeds have one shard."""
        config, streams = self._config, tuple(load.streams)
        if limits is config.limits and streams == config.streams:
            return config
        return replace(config, streams=streams, limits=limits)

    def _number(self) -> None:
        alone = len(self._running) == 1
        for number, shard in self._running.items():
            shard.number = None if alone else number

    def _forget(self, number: int) -> None:
        shard = self._running.pop(number)
        self._memory.forget(number)
        self.account.ended(shard)
        self._unrest.forget(shard)
        self._number()

    def _rotate_next(self, now: float) -> None:
        while self._to_rotate and self._rotating is None:
            shard, *rest = self._to_rotate
            self._to_rotate = tuple(rest)
            shard.rotate(now)
            if shard.is_rotating:
                self._rotating = shard
            self.touched(shard, now)

    def _calm(self, now: float) -> None:
        """Connections were lost, or dialled in vain: see whether that is too much."""
        unrest, shards = self._unrest, self._running.values()
        unrest.is_noted = False
        if self.ended is not None:
            return
        if (exhausted := unrest.exhausted(shards)) is not None:
            self._end(Closed(now, *exhausted, restart_needed=True))
            return
        if (restless := unrest.restless(shards)) is not None and restless.shard.move(
            restless.reconnects, restless.others, now
        ):
            unrest.moved(restless.shard)
        if (unsteady := unrest.unsteady(shards, now)) is not None:
            self.emit(unsteady)

    def _resyncs_touched(self) -> None:
        if self._resyncs is not None:
            self.agenda.set(self._resyncs, self._resyncs.next_deadline())

    def _end(self, closed: Closed, code: int = 1000, reason: str = "") -> None:
        self._to_rotate = ()
        if self._resyncs is not None:
            self._resyncs.end(closed.at)
        for shard in self._running.values():
            shard.close(closed.at, code, reason)
        self.ended = closed
        self.emit(closed)
        self._all_touched(closed.at)
