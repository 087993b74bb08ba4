"""The streams that a feed wants of a service: asked for, watched, mended. Only feeds with a dialect have this.

Promise 5's ladder for a stream that is silent for longer than its patience: it is asked for anew; then the connection
is replaced; then so again, at the next endpoint. Whatever then happens, its patience doubles before the next round, so
that a stream that is rightly quiet, against what was set, does not tear down the others for ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import IntEnum
from fnmatch import fnmatchcase

from holdfast.config import FeedConfig
from holdfast.connection import Connection
from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import (
    Acknowledged,
    Control,
    Listed,
    Notice,
    Patience,
    Refused,
    Reply,
    Update,
)
from holdfast.events import (
    Lagging,
    Notified,
    Stale,
    Subscribed,
    SubscriptionRefused,
    Unsubscribed,
)
from holdfast.failures import Cause, Failure
from holdfast.supervisor.above import Carrier, Readings, Replace
from holdfast.supervisor.mistakes import Mistakes, lag_of
from holdfast.supervisor.positions import Positions
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.stream_watch import StreamWatch, Watched
from holdfast.supervisor.subscriptions import Subscriptions
from holdfast.supervisor.tally import Tally
from holdfast.timers import Timers


class Timer(IntEnum):
    """The deadlines of streams."""

    REQUEST = 0  # the message window has room for the next request
    ANSWER = 1  # a request has waited long enough, or an audit is due
    SILENCE = 2  # the next look at the silence of streams
    PING = 3  # the next ping in the service's own form


class Streams:
    """Desired state and its reconciliation with the current connection."""

    def __init__(self, dialect: Dialect, config: FeedConfig, shared: Shared, carrier: Carrier, tally: Tally) -> None:
        self._dialect = dialect
        self._config = config
        self._shared = shared
        self._carrier = carrier
        self._emit = carrier.emit
        self._wanted = carrier.wanted
        self._watch = StreamWatch(self._patience_of, tally.stream)
        self._watch.want(self._wanted)
        self._timers = Timers(Timer)
        self.mistakes = Mistakes(dialect, self._emit)
        self._connection: Connection | None = None
        self._subscriptions: Subscriptions | None = None
        self._first = False  # nothing was brought yet on this connection
        self._stirred = False  # what was read may have moved deadlines, ours or those of the feed
        self._positions: Positions | None = None  # of this connection, where the service counts

    # What is wanted

    def more_wanted(self, streams: Sequence[str], now: float) -> None:
        """These are wanted now, even if they were refused before."""
        new = [stream for stream in streams if stream not in self._watch.streams]
        self._watch.want(streams)
        if (subscriptions := self._subscriptions) is not None:
            subscriptions.forgive(streams)
            subscriptions.changed()
            still = [stream for stream in new if subscriptions.state_of(stream) == "subscribed"]
            if still:  # they had not been dropped yet
                self._watch.held(still, now)
                self._look_in_time(now)
            if doubtful := list(filter(self._may_be_dropped, new)):
                self._carrier.uncovered(doubtful, now, gone=False)
            self._push(now)

    def less_wanted(self, streams: Sequence[str], now: float) -> None:
        """These are not wanted any more."""
        self._watch.forget(streams)
        if (subscriptions := self._subscriptions) is not None:
            subscriptions.changed()
            self._push(now)

    def states(self) -> dict[str, str]:
        """For each wanted stream: wanted, asked, subscribed or refused."""
        subscriptions = self._subscriptions
        return {stream: subscriptions.state_of(stream) if subscriptions else "wanted" for stream in self._wanted}

    def misses(self, stream: str) -> bool:
        """Whether it fell silent, or is gone, and has brought nothing since."""
        watched = self._watch.streams.get(stream)
        return watched is not None and watched.missed_since is not None

    @property
    def refused(self) -> set[str]:
        """What of it the service will not give on this connection."""
        return self._subscriptions.refused.intersection(self._wanted) if self._subscriptions is not None else set()

    @property
    def watched(self) -> dict[str, Watched]:
        """What each wanted stream has brought."""
        return self._watch.streams

    @property
    def is_settled(self) -> bool:
        """Whether the connection has all that is wanted, but for what the service refused."""
        return self._subscriptions is not None and self._subscriptions.is_settled()

    @property
    def waits_for_room(self) -> bool:
        """Whether requests wait for the message window."""
        return self._timers.at(Timer.REQUEST) < math.inf

    # The connection's life

    @property
    def held(self) -> list[str]:
        """What the connection is subscribed to."""
        return sorted(self._subscriptions.held) if self._subscriptions is not None else []

    @property
    def doubtful(self) -> list[str]:
        """Of these, what it may not bring any more: it was asked to end it, or it fell silent."""
        return [stream for stream in self.held if self._may_be_dropped(stream) or self.misses(stream)]

    def succeed(self, other: Streams) -> None:
        """Take over what the other one knows of streams that fell silent."""
        self._watch.succeed(other._watch)

    def opened(self, connection: Connection, now: float) -> None:
        """Ask for what is wanted."""
        assert connection.endpoint is not None
        self._connection = connection
        self._first = True
        self._positions = Positions() if self._dialect.limits.counts else None
        asked = sorted(self._dialect.asked_by(connection.endpoint))
        subscriptions = Subscriptions(self._dialect, self._wanted, self._config.subscribing, asked, now)
        self._subscriptions = subscriptions
        self._now_held([stream for stream in asked if stream in self._wanted], now)
        if self._dialect.limits.ping_every is not None:
            self._timers.set(Timer.PING, now + self._dialect.limits.ping_every)
        self._push(now)

    def lost(self) -> None:
        self._connection = self._subscriptions = None
        self._timers.clear_all()
        self._watch.connection_lost()

    def stalled(self, late: float) -> None:
        """For `late` seconds we did not look."""
        self._watch.excuse(late)
        if self._subscriptions is not None:
            self._subscriptions.stalled(late)

    def resumed(self, now: float) -> None:
        """Until now we did not read."""
        self._watch.resumed(now)
        if self._subscriptions is not None:
            self._subscriptions.resumed(now)
            self._timers.set(Timer.ANSWER, self._subscriptions.next_deadline())

    # Messages

    def read(
        self, texts: list[str | bytes], readings: Readings | None, deliver: Callable[[list[Update]], None], now: float
    ) -> list[Update]:
        """The data among these messages, in order. What stood before an event is delivered before it is emitted.
        `readings`: what other connections brought lately, if there are others.
        """
        read, streams, positions = self._dialect.read, self._watch.streams, self._positions
        updates: list[Update] = []
        for text in texts:
            try:
                if readings is None:
                    reading = read(text)
                elif text in readings:
                    reading = readings.pop(text)
                else:
                    reading = read(text)
                    if isinstance(reading, Update):
                        readings[text] = reading
            except Exception as error:  # of a dialect of a user's
                if updates:
                    deliver(updates)
                    updates = []
                self._stirred = True
                self.mistakes.note("read", error, now)
                reading = Update(None, text)
            if positions is not None and (skipped := positions.note(reading, now)) is not None:
                if updates:
                    deliver(updates)
                    updates = []
                self._stirred = True
                self._carrier.missed(*skipped, now)
            if not isinstance(reading, Update):
                if updates:
                    deliver(updates)
                    updates = []
                self._hear(reading, now)
                continue
            if self._first:
                self._first, self._stirred = False, True
                known = reading.stream is None or reading.stream in streams
                self._carrier.covered(() if known else (reading.stream,), now)  # type: ignore[arg-type]  # it has a name
            watched = streams.get(reading.stream)  # type: ignore[arg-type]  # None is no stream's name
            if watched is not None:
                watched.heard_at = now
                watched.messages += 1
                watched.bytes += len(text)
                if watched.closely:
                    if updates:
                        deliver(updates)
                        updates = []
                    self._heard_again(watched, reading.stream, reading, now)  # type: ignore[arg-type]  # it has a name
            for stream in reading.further_streams:
                if (watched := streams.get(stream)) is not None:
                    watched.heard_at = now
                    watched.messages += 1
                    if watched.closely:
                        if updates:
                            deliver(updates)
                            updates = []
                        self._heard_again(watched, stream, reading, now)
            updates.append(reading)
        return updates

    def was_stirred(self) -> bool:
        """Whether what was read since the last call may have moved deadlines: streams that flow move none."""
        stirred, self._stirred = self._stirred, False
        return stirred

    def _heard_again(self, watched: Watched, stream: str, update: Update, now: float) -> None:
        """The first message of a stream since it was not held or was missed; all of one that may lag."""
        if self._connection is None:
            return  # what was delivered before it ended the feed
        self._stirred = True
        patience = watched.patience
        acknowledged = watched.held and watched.missed_since is None  # else that comes late, or it was in doubt
        if not acknowledged and not self._may_be_dropped(stream):
            self._carrier.covered((stream,), now)
        if watched.messages == 1 and patience.silence is not None:  # the look was set for the patience with the first
            self._timers.set(Timer.SILENCE, min(self._timers.at(Timer.SILENCE), now + patience.silence))
        if watched.missed_since is not None:
            self._carrier.was_silent(stream, watched.missed_since, now)
            watched.missed_since = None
        watched.step, watched.stretch = 0, 1
        watched.closely = patience.lag is not None
        limit = patience.lag
        if limit is not None and (lag := lag_of(update, now + self._shared.wall_offset)) is not None:
            if lag > limit and not watched.lagging:
                self._emit(Lagging(now, self._connection.conn, stream, lag))
            watched.lagging = lag > limit

    def _hear(self, word: Control, now: float) -> None:
        subscriptions, connection = self._subscriptions, self._connection
        self._stirred = True
        if subscriptions is None or connection is None:
            return
        kind = type(word)
        if kind is Acknowledged:
            self._changed(*subscriptions.acknowledged(word), now)  # type: ignore[arg-type]
        elif kind is Listed:
            self._changed(*subscriptions.listed(word), now)  # type: ignore[arg-type]
            if (left_out := subscriptions.left_out()) is not None:
                self._hear(left_out, now)
        elif isinstance(word, Refused):
            for stream in subscriptions.refuse(word):
                self._watch.not_held([stream])
                self._carrier.uncovered([stream], now, gone=True)
                self._emit(SubscriptionRefused(now, connection.conn, stream, word.reason))
            self._push(now)
        elif isinstance(word, Reply):
            if connection.is_open:  # it may have been closed by what came with this
                self.mistakes.guard("reply", now, lambda: self._say(word.text, now))
        elif isinstance(word, Notice):
            self._emit(Notified(now, connection.conn, word.text, word.going_away))
            if word.going_away:
                self._carrier.going_away(now)

    def _changed(self, held: list[str], gone: list[str], now: float) -> None:
        self._tell(held, gone, now)
        self._push(now)

    def _tell(self, held: list[str], gone: list[str], now: float) -> None:
        assert self._connection is not None
        if gone:
            self._watch.gone(gone)
            self._carrier.uncovered(gone, now, gone=True)
            self._emit(Unsubscribed(now, self._connection.conn, tuple(gone)))
        self._now_held(held, now)

    def _now_held(self, streams: list[str], now: float) -> None:
        assert self._connection is not None
        if not streams:
            return
        self._carrier.covered(streams, now)
        self._watch.held(streams, now)
        self._emit(Subscribed(now, self._connection.conn, tuple(streams)))
        self._look_in_time(now)

    # Time

    def next_deadline(self) -> float:
        return self._timers.next()

    def tick(self, now: float) -> Replace | None:
        """Do what is due; what must be done about the connection."""
        subscriptions, connection = self._subscriptions, self._connection
        while (timer := self._timers.expired(now)) is not None:
            assert subscriptions is not None
            assert connection is not None
            self._timers.clear(timer)  # type: ignore[arg-type]  # the number is one of Timer's
            if timer == Timer.REQUEST:
                self._push(now)
            elif timer == Timer.ANSWER and connection.paused:
                self._timers.set(Timer.ANSWER, now + self._config.subscribing.ack_timeout)  # we do not read
            elif timer == Timer.ANSWER:
                if hopeless := subscriptions.overdue(now):
                    return Replace(Failure(Cause.UNACKNOWLEDGED, _some(hopeless)))
                if subscriptions.audit_at <= now:
                    self.mistakes.guard(
                        "list_streams", now, lambda: self._say(subscriptions.audit(now), now, control=False)
                    )
                self._push(now)
            elif timer == Timer.PING:
                self._ping(subscriptions, now)
            elif (replace := self._look_for_silence(connection, subscriptions, now)) is not None:
                return replace
        return None

    def _look_for_silence(self, connection: Connection, subscriptions: Subscriptions, now: float) -> Replace | None:
        if connection.paused:
            self._watch.resumed(now)  # we do not read
        silent = self._watch.silent(now)
        for one in silent:
            self._emit(Stale(now, connection.conn, one.silent, one.stream))
        if silent:
            self._carrier.uncovered([one.stream for one in silent], now, gone=False)
        highest = max((one.step for one in silent), default=0)
        self._watch.climbed(one.stream for one in silent if one.step >= _LAST_STEP)
        if highest:
            worst = [one for one in silent if one.step == highest]
            detail = f"{_some([one.stream for one in worst])} for {worst[0].silent:.3g} s"
            return Replace(Failure(Cause.STREAM_SILENT, detail), elsewhere=highest >= _LAST_STEP)
        if silent:
            subscriptions.ask_again(one.stream for one in silent)
            self._push(now)
        self._timers.set(Timer.SILENCE, self._watch.next_look(now))
        return None

    def _look_in_time(self, now: float) -> None:
        """More is watched. That puts off no look that was planned, or who asks often would never find silence."""
        self._timers.set(Timer.SILENCE, self._watch.next_look(now, self._timers.at(Timer.SILENCE)))

    def _ping(self, subscriptions: Subscriptions, now: float) -> None:
        every = self._dialect.limits.ping_every
        assert every is not None
        self._timers.set(Timer.PING, now + every)
        number = subscriptions.next_number()
        self.mistakes.guard("ping", now, lambda: self._say(self._dialect.ping(number), now))

    def _ask_what_is_held(self, now: float) -> None:
        if self._subscriptions is not None:
            self._say(self._subscriptions.audit(now), now, control=False)

    def _say(self, text: str | None, now: float, *, control: bool = True) -> None:
        if text is not None and self._connection is not None:
            self._connection.send(text, now, control=control)

    def _push(self, now: float) -> None:
        """Ask for what is missing, as far as the message window has room."""
        subscriptions, connection = self._subscriptions, self._connection
        if subscriptions is None or connection is None:
            return
        self._timers.clear(Timer.REQUEST)
        while subscriptions.has_request and connection.is_open:
            if (at := connection.may_send_at(now)) > now:
                self._timers.set(Timer.REQUEST, at)
                break
            if dropped := [stream for stream in subscriptions.about_to_drop if stream in self._wanted]:
                self._carrier.uncovered(dropped, now, gone=False)
            connection.send(subscriptions.next_request(now), now)
            if not self._dialect.limits.acknowledges:
                self._tell(*subscriptions.acknowledged(Acknowledged(subscriptions.number)), now)
        self._timers.set(Timer.ANSWER, subscriptions.next_deadline())

    # Inside

    def _may_be_dropped(self, stream: str) -> bool:
        return self._subscriptions is not None and self._subscriptions.may_be_dropped(stream)

    def _patience_of(self, stream: str) -> Patience:
        for pattern, patience in self._config.patience.items():
            if fnmatchcase(stream, pattern):
                return patience
        return self._dialect.patience(stream)


_LAST_STEP = 2
_SHOWN = 3


def _some(streams: list[str]) -> str:
    rest = len(streams) - _SHOWN
    return ", ".join(streams[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
