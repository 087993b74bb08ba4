"""Floor 2: one connection's life, from the dial to the closed socket, and its deadlines.

How one state leads to another stands in `states.py`, what silence means in `liveness.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum

from holdfast.commands import Command, Connect, Disconnect, EndJob, MakeEndpoint, Pause, Resume, RunOnConnect
from holdfast.config import FeedConfig
from holdfast.connection.endings import answer_to, failure_of
from holdfast.connection.liveness import Liveness
from holdfast.connection.opening import Opening
from holdfast.connection.reports import Lost, Opened, Pong, Refused, Report
from holdfast.connection.sender import Sender
from holdfast.connection.states import NEXT, State
from holdfast.endpoint import Endpoint
from holdfast.errors import LocalProtocolError, NotOpen
from holdfast.failures import Cause, Failure
from holdfast.source import Target
from holdfast.timers import Timers
from holdfast.wire import (
    Accepted,
    Control,
    DeflatedReader,
    Deflater,
    FrameReader,
    MaskSource,
    PingFrame,
    PongFrame,
    check_close,
    close_payload,
)

Messages = list[str | bytes]
_NOTHING: tuple[Report, ...] = ()


class Timer(IntEnum):
    """The deadlines of one connection."""

    CONNECT = 0  # all until OPEN must be done
    PING = 1  # time for the next ping
    PONG = 2  # the next look at an unanswered ping
    CLOSE = 3  # the socket is closed, whatever the peer does
    PACE = 4  # the message window has room for what waits


class Connection:
    """One WebSocket. Commands go to the list that was handed in; each input returns what it led to."""

    __slots__ = (
        "_commands",
        "_config",
        "_entropy",
        "_has_job",
        "_held",
        "_liveness",
        "_reader",
        "_sender",
        "_timers",
        "_until_open",
        "accepted",
        "conn",
        "delivered",
        "dialled_at",
        "endpoint",
        "last_received",
        "opened_at",
        "paused",
        "state",
    )

    def __init__(
        self,
        conn: int,
        target: Target,
        config: FeedConfig,
        *,
        entropy: Callable[[int], bytes],
        mask: MaskSource,
        commands: list[Command],
        now: float,
    ) -> None:
        self.conn = conn
        self.endpoint: Endpoint | None = None  # once it is known
        self.state = State.MAKING
        self.dialled_at = now
        self.opened_at = now
        self.last_received = now
        self.paused = False
        self.accepted: Accepted | None = None  # what the server answered, once it has
        self._config = config
        self._commands = commands
        self._entropy = entropy
        self._until_open: Opening | None = Opening(config)
        self._reader = FrameReader(config.limits.max_message_size)
        self._held = 0  # bytes received that were no whole message yet, less those that inflating has added so far
        self.delivered = 0  # bytes, inflated, of the messages that the latest `received` gave
        self._sender = Sender(conn, config, mask, commands)
        self._timers = Timers(Timer)
        self._timers.set(Timer.CONNECT, now + config.timeouts.connect)
        self._liveness = Liveness(config.keepalive.timeout, now)
        self._has_job = False  # a function of the user's runs, and may have to be ended
        if isinstance(target, Endpoint):
            self._dial(target)
        else:
            self._start_job(MakeEndpoint(conn, target))

    # Inputs

    def endpoint_made(self, endpoint: Endpoint | None) -> None:
        """The user's function came to an end: dial, or (None) do not, and be CLOSED."""
        if self.state is not State.MAKING:
            raise LocalProtocolError(f"endpoint_made({self.conn}) in state {self.state.value}: MakeEndpoint asks once")
        self._has_job = False
        if endpoint is not None:
            self._dial(endpoint)
        else:
            self._end()

    def postponed(self) -> None:
        """The driver did not dial: be CLOSED."""
        if self.state is not State.DIALING:
            raise LocalProtocolError(f"postponed({self.conn}) in state {self.state.value}: a dial is answered once")
        self._end()

    def awaiting_proxy(self, proxy: str) -> None:
        """The dial waits for this proxy; for "", no more."""
        if self.state is not State.DIALING:
            raise LocalProtocolError(
                f"awaiting_proxy({self.conn}) in state {self.state.value}: only a dial waits for one"
            )
        self._opening.proxy = proxy

    def connected(self, now: float) -> None:
        """The dial succeeded: the request goes out."""
        if self.state is not State.DIALING:
            raise LocalProtocolError(f"connected({self.conn}) in state {self.state.value}: a dial is answered once")
        self._move(State.HANDSHAKE)
        self.last_received = now
        self._sender.write(self._opening.request())

    def connect_failed(self, failure: Failure) -> tuple[Report, ...]:
        """The dial failed, or no endpoint was made."""
        if self.state not in (State.MAKING, State.DIALING):
            raise LocalProtocolError(
                f"connect_failed({self.conn}) in state {self.state.value}: a dial is answered once"
            )
        self._has_job = False
        self._end()
        return (Refused(failure),)

    def received(self, data: bytes, now: float, messages: Messages) -> tuple[Report, ...] | list[Report]:
        """Bytes arrived; append the messages they complete."""
        self._liveness.awaiting = False
        self.last_received = now
        if self.state is State.OPEN:
            reader = self._reader
            controls = reader.receive(data, messages)
            held = reader.held - reader.grown
            self.delivered = len(data) + self._held - held
            self._held = held
            return self._handle(controls, now) if controls else _NOTHING
        if self.state is State.HANDSHAKE:
            return self._answered(data, now, messages)
        if self.state is State.GREETING:
            return self._greeted_with(data, now)
        if self.state is State.CLOSING:
            self._reader.receive(data, [])
            return _NOTHING
        raise LocalProtocolError(f"received({self.conn}) in state {self.state.value}: report `connected` first")

    def disconnected(self, failure: Failure | None) -> tuple[Report, ...]:
        """The stream ended (None) or broke. The driver closes the socket itself."""
        was = self.state
        if was is State.GREETING:
            return self._ended_early(failure or Failure(Cause.EOF, "during on_connect"))
        self._end()
        if was is State.OPEN:
            return (Lost(failure or Failure(Cause.EOF)),)
        if was is State.HANDSHAKE:
            hint = "" if self.endpoint is None or self.endpoint.secure else "; does it want wss://?"
            return (Refused(failure or Failure(Cause.HANDSHAKE, f"the server closed before it answered{hint}")),)
        if was in (State.MAKING, State.DIALING):
            return (Refused(failure or Failure(Cause.EOF, "while dialling")),)
        return _NOTHING

    def on_connect_done(self, failure: Failure | None, now: float, messages: Messages) -> tuple[Report, ...]:
        """The user's function returned, or failed; append what it left to the consumer."""
        if self.state is not State.GREETING:
            return _NOTHING  # the connection ended meanwhile
        self._has_job = False
        early = self._opening.early
        end = early.end
        if end is not None or failure is not None:
            refused = Refused(failure or self._opening.failure_so_far)
            if isinstance(end, Failure):
                self._end()
            else:
                self._start_closing(now, close_payload(1000) if end is None else answer_to(end))
            return (refused,)
        messages.extend(early.take_all())
        self.resume()
        return (self._open(now),)

    def tick(self, now: float) -> list[Report]:
        """Handle every deadline that has come."""
        reports: list[Report] = []
        while (timer := self._timers.expired(now)) is not None:
            if timer == Timer.CONNECT:
                reports.append(Refused(self._opening.failure_so_far))
                self._disconnect()
            elif timer == Timer.PING:
                self._ping(now)
            elif timer == Timer.PONG and self._liveness.is_over(now):
                reports.append(Lost(Failure(Cause.PONG_TIMEOUT, f"{now - self._liveness.pinged_at:.3g} s ago")))
                self._disconnect()
            elif timer == Timer.PONG:
                self._timers.set(Timer.PONG, self._liveness.next_look(now))
            elif timer == Timer.PACE:
                self._sender.write_waiting(now)
                self._pace(now)
            else:
                self._disconnect()
        return reports

    def stalled(self, late: float) -> None:
        """Our process ran `late` seconds later than it had asked to: no peer may pay for that."""
        self._timers.extend(Timer.CONNECT, late)
        self._liveness.excuse(late)

    # What the floor above wants

    def send(self, message: str | bytes, now: float, *, control: bool = False) -> None:
        """One whole message; it may wait for the message window, unless it is `control`, and control does not count.

        Raises NotOpen, or LocalProtocolError for what cannot be sent; then nothing was.
        """
        if self.state not in (State.GREETING, State.OPEN):
            raise NotOpen(f"connection {self.conn} is {self.state.value}: wait for Connected, then send")
        self._sender.message(message, now, control=control)
        if self._config.message_window is not None:  # else nothing ever waits
            self._pace(now)

    def may_send_at(self, now: float) -> float:
        """When a message may be written at once: `now`, or the time at which to ask again."""
        return self._sender.free_at(now)

    def probe(self, now: float) -> None:
        """Ping now, unless the answer to a ping is still due. The regular pings go on from here; where there are none,
        nobody is judged by this one.
        """
        if self.state is State.OPEN:
            self._ping(now)

    def close(self, now: float, code: int = 1000, reason: str = "") -> None:
        """End it, within `Timeouts.close`; no-op while it is ending. Raises LocalProtocolError for a bad code."""
        check_close(code, reason)
        if self.state in (State.CLOSING, State.CLOSED):
            return
        if self.state in (State.GREETING, State.OPEN) and not self._sender.is_cut_off:
            self._start_closing(now, close_payload(code, reason))
        else:
            self._disconnect()

    def pause(self) -> bool:
        """Stop reading; whether it was going on. Until `resume`, silence is our own doing and proves nothing."""
        if self.state not in (State.GREETING, State.OPEN) or self.paused:
            return False
        self.paused = True
        self._liveness.awaiting = False
        self._timers.clear(Timer.PONG)
        self._commands.append(Pause(self.conn))
        return True

    def resume(self) -> None:
        """Read again."""
        if self.paused and self.state in (State.GREETING, State.OPEN):
            self.paused = False
            self._commands.append(Resume(self.conn))

    def next_deadline(self) -> float:
        return self._timers.next()

    @property
    def is_open(self) -> bool:
        """Whether messages flow, and may be sent."""
        return self.state is State.OPEN

    @property
    def has_early(self) -> bool:
        """Whether `take_early` gives something."""
        return self._until_open is not None and len(self._until_open.early) > 0

    @property
    def ended_early(self) -> bool:
        """Whether nothing more can come for `on_connect`, behind what it may still take."""
        return self._until_open is not None and self._until_open.early.end is not None

    def take_early(self) -> str | bytes:
        """The next message for `on_connect`."""
        message = self._opening.early.take()
        if self._opening.early.is_half_empty:
            self.resume()
        return message

    # Inside

    @property
    def _opening(self) -> Opening:
        assert self._until_open is not None
        return self._until_open

    def _dial(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._opening.dial(endpoint, self._entropy)
        self._move(State.DIALING)
        self._commands.append(Connect(self.conn, endpoint))

    def _answered(self, data: bytes, now: float, messages: Messages) -> tuple[Report, ...] | list[Report]:
        answer = self._opening.answer(data)
        if answer is None:
            return _NOTHING
        if isinstance(answer, Failure):
            self._disconnect()
            return (Refused(answer),)
        self.accepted = answer
        if answer.compression is not None:
            assert self._config.compression is not None
            self._reader = DeflatedReader(self._config.limits.max_message_size, answer.compression)
            self._sender.deflater = Deflater(answer.compression, self._config.compression)
        if self._config.on_connect is None:
            reports: list[Report] = [self._open(now)]
            if answer.rest:
                controls = self._reader.receive(answer.rest, messages)
                self._held = self._reader.held - self._reader.grown
                self.delivered = len(answer.rest) - self._held
                reports += self._handle(controls, now)
            return reports
        self._move(State.GREETING)
        self._start_job(RunOnConnect(self.conn, self._config.on_connect))
        return self._greeted_with(answer.rest, now) if answer.rest else _NOTHING

    def _greeted_with(self, data: bytes, now: float) -> list[Report]:
        messages: Messages = []
        early = self._opening.early
        controls = early.add(messages, self._reader.receive(data, messages))
        self._held = self._reader.held - self._reader.grown
        if early.is_full:
            self.pause()
        # Until it is open, what ends it is a failure to open.
        return [Refused(one.failure) if isinstance(one, Lost) else one for one in self._handle(controls, now)]

    def _ended_early(self, failure: Failure) -> tuple[Report, ...]:
        """The stream is gone before `on_connect` returned."""
        early = self._opening.early
        if early.end is not None or self.has_early:
            early.end = failure_of(early.end or failure)
            self._sender.is_cut_off = True
            self.paused = False
            return _NOTHING
        self._end()
        return (Refused(failure),)

    def _open(self, now: float) -> Opened:
        self._move(State.OPEN)
        self._until_open = None
        self.opened_at = now
        self._timers.clear(Timer.CONNECT)
        if self._config.keepalive.interval is not None:
            # From its last byte on: `on_connect` may have taken long.
            self._timers.set(Timer.PING, max(now, self.last_received + self._config.keepalive.interval))
        assert self.accepted is not None
        return Opened(self.accepted.subprotocol, self.accepted.headers)

    def _handle(self, controls: list[Control], now: float) -> list[Report]:
        reports: list[Report] = []
        pongs: list[bytes] = []
        for frame in controls:
            if isinstance(frame, PingFrame):
                pongs.append(frame.payload)
            elif isinstance(frame, PongFrame):
                if (round_trip := self._liveness.round_trip(frame.payload, now)) is not None:
                    reports.append(Pong(round_trip))
            else:
                reports.append(Lost(failure_of(frame)))
                self._start_closing(now, answer_to(frame))
        if pongs and self.state in (State.GREETING, State.OPEN):
            self._sender.pongs(pongs, now)
            self._pace(now)
        return reports

    def _pace(self, now: float) -> None:
        self._timers.set(Timer.PACE, self._sender.waiting_until(now))

    def _ping(self, now: float) -> None:
        interval = self._config.keepalive.interval
        self._timers.set(Timer.PING, math.inf if interval is None else now + interval)
        if self._liveness.awaiting:
            return  # the first unanswered ping decides
        if (free := self._sender.ping_at(now)) > now:
            self._timers.set(Timer.PING, free)
            return
        self._sender.ping(self._liveness.ping(now, judged=interval is not None and not self.paused), now)
        self._timers.set(Timer.PONG, self._liveness.next_look(now))

    def _start_closing(self, now: float, payload: bytes) -> None:
        self.resume()  # to see the end of the stream
        self._sender.close(payload)
        self._move(State.CLOSING)
        self._timers.clear_all()
        self._timers.set(Timer.CLOSE, now + self._config.timeouts.close)

    def _disconnect(self) -> None:
        if self.state is not State.MAKING and not self._sender.is_cut_off:
            self._commands.append(Disconnect(self.conn))
        self._end()

    def _start_job(self, command: Command) -> None:
        self._has_job = True
        self._commands.append(command)

    def _end(self) -> None:
        self._move(State.CLOSED)
        self._timers.clear_all()

    def _move(self, to: State) -> None:
        assert to in NEXT[self.state], f"connection {self.conn}: {self.state.value} to {to.value}"
        if self._has_job and to in (State.CLOSING, State.CLOSED):
            self._has_job = False
            self._commands.append(EndJob(self.conn))
        self.state = to
