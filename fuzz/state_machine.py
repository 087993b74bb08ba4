"""Every input in every order, at every time: a Hypothesis state machine over the fleet, with drawn settings.

The world of voyages keeps the contract of a driver; here inputs are early, late, spurious, doubled, or for connections
that are long gone. What must hold after each of them stands in the invariants.
"""

from __future__ import annotations

import math
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage

from holdfast import (
    Backoff,
    Cause,
    Closed,
    Event,
    Failure,
    FeedClosed,
    FeedConfig,
    FeedOptions,
    Fleet,
    Keepalive,
    Limits,
    LocalProtocolError,
    NotOpen,
    Overflow,
    Retry,
    Rotation,
    Staleness,
    Timeouts,
)
from holdfast.commands import Connect, Disconnect, Pause, Resume, Write
from holdfast.testing.world import Chance

STEP = 0.5  # seconds; all times lie on this lattice, so that deadlines meet

_TIMES = st.sampled_from([0.5, 1.0, 2.0, 5.0])
_CONFIGS = st.fixed_dictionaries(
    {
        "keepalive": st.builds(Keepalive, st.none() | _TIMES, _TIMES),
        "staleness": st.builds(
            lambda after, reconnect: Staleness(after, reconnect=reconnect and after is not None),
            st.none() | _TIMES,
            st.booleans(),
        ),
        "backoff": st.builds(Backoff, _TIMES, st.just(2.0), st.just(8.0), st.sampled_from([0.0, 1.0])),
        "retry": st.builds(Retry, stable_after=_TIMES, max_policy_closes=st.integers(1, 3)),
        "timeouts": st.builds(Timeouts, _TIMES, _TIMES),
        "limits": st.builds(
            Limits, max_queue_size=st.sampled_from([200, 2000, 1 << 20]), max_message_size=st.just(1000)
        ),
        "overflow": st.builds(Overflow, st.sampled_from(["pause", "drop_oldest", "drop_newest", "fail"])),
        "on_open": st.just(["hello"]),
        "legs": st.sampled_from([1, 1, 2, 3]),
        "rotation": st.builds(
            Rotation,
            max_age=st.none() | st.sampled_from([5.0, 20.0]),
            jitter=st.sampled_from([0.0, 1.0]),
            overlap_timeout=_TIMES,
        ),
    }
).map(lambda options: FeedConfig.build("ws://feed.test/", cast(FeedOptions, options)))


class _Peer:
    """The server's end of one connection, and what the driver knows of it."""

    def __init__(self) -> None:
        self.machine = WSConnection(ConnectionType.SERVER)
        self.connected = False
        self.accepted = False
        self.requested = False
        self.paused = False
        self.unread = b""
        self.brought = 0  # the number of the latest message that it sent, or that had been published before


class FleetUnderInputs(RuleBasedStateMachine):
    """Inputs are rules; what the driver did with the commands is in `peers`."""

    @initialize(config=_CONFIGS, seed=st.integers(0, 1 << 32))
    def begin(self, config: FeedConfig, seed: int) -> None:
        chance = Chance(seed)
        self.config = config
        self.now = 100.0
        self.fleet = Fleet(config, random=chance, entropy=chance.entropy)
        self.peers: dict[int, _Peer] = {}
        self.gone: list[int] = []
        self.numbers: list[int] = []
        self.sent = 0
        self.taken: list[int] = []
        self.ended = False
        self.closed_at: float | None = None
        self.fleet.start(self.now)
        self._carry_out()

    # Inputs that a driver gives

    @rule(steps=st.integers(1, 20))
    def time_passes(self, steps: int) -> None:
        """The driver keeps its timer: no deadline is passed over."""
        until = self.now + steps * STEP
        while (deadline := self.fleet.next_deadline()) <= until:
            self.now = max(self.now, deadline)
            self._tick()
        self.now = until

    @rule(steps=st.integers(1, 40))
    def the_process_stalls(self, steps: int) -> None:
        self.now += steps * STEP
        self._tick()

    @rule()
    def a_tick_comes_early(self) -> None:
        early = self.fleet.next_deadline() > self.now
        before = self.fleet.next_deadline()
        self.fleet.tick(self.now)
        commands = self._carry_out()
        if early:
            assert not commands, f"an early tick led to {commands}"
            assert self.fleet.next_deadline() == before

    @rule(steps=st.integers(1, 10))
    def time_runs_backwards(self, steps: int) -> None:
        self.fleet.tick(self.now - steps * STEP)
        self._carry_out()

    @precondition(lambda self: self._dialling())
    @rule(data=st.data())
    def a_dial_succeeds(self, data: Any) -> None:
        conn = data.draw(st.sampled_from(self._dialling()))
        self.peers[conn].connected = True
        self.fleet.connected(conn, self.now)
        self._carry_out()

    @precondition(lambda self: self._dialling())
    @rule(data=st.data(), cause=st.sampled_from([Cause.DNS, Cause.REFUSED, Cause.TLS]))
    def a_dial_fails(self, data: Any, cause: Cause) -> None:
        conn = data.draw(st.sampled_from(self._dialling()))
        self._lose(conn)
        self.fleet.connect_failed(conn, Failure(cause), self.now)
        self._carry_out()

    @precondition(lambda self: self._asking())
    @rule(data=st.data(), status=st.sampled_from([101, 101, 101, 101, 429, 503]))
    def the_server_answers(self, data: Any, status: int) -> None:
        conn = data.draw(st.sampled_from(self._asking()))
        peer = self.peers[conn]
        peer.requested = False
        if status == 101:
            peer.accepted = True
            peer.brought = self.sent
            self._receive(conn, peer.machine.send(AcceptConnection()))
        else:
            self._receive(conn, peer.machine.send(RejectConnection(status_code=status)))

    @precondition(lambda self: self._open())
    @rule(data=st.data(), count=st.integers(1, 30), cut=st.floats(0, 1))
    def messages_arrive(self, data: Any, count: int, cut: float) -> None:
        """Some are published, and one connection brings all that it has not brought yet."""
        conn = data.draw(st.sampled_from(self._open()))
        peer, sent = self.peers[conn], b""
        self.sent += count
        for number in range(peer.brought + 1, self.sent + 1):
            sent += peer.machine.send(TextMessage(str(number)))
        peer.brought = self.sent
        middle = int(len(sent) * cut)
        for piece in (sent[:middle], sent[middle:]):
            if piece and conn in self.peers:
                if peer.paused:
                    peer.unread += piece
                else:
                    self._receive(conn, piece)

    @precondition(lambda self: self._open())
    @rule(data=st.data(), payload=st.binary(max_size=10))
    def the_server_pings(self, data: Any, payload: bytes) -> None:
        conn = data.draw(st.sampled_from(self._open()))
        self._receive(conn, self.peers[conn].machine.send(Ping(payload)))

    @precondition(lambda self: self._open())
    @rule(data=st.data(), code=st.sampled_from([1000, 1001, 1008, 4000]))
    def the_server_closes(self, data: Any, code: int) -> None:
        conn = data.draw(st.sampled_from(self._open()))
        peer = self.peers[conn]
        peer.accepted = False
        self._receive(conn, peer.machine.send(CloseConnection(code)))

    @precondition(lambda self: self._connected())
    @rule(data=st.data(), junk=st.binary(min_size=1, max_size=30).filter(lambda junk: junk[0] & 0x0F not in (0, 1, 2)))
    def junk_arrives(self, data: Any, junk: bytes) -> None:
        conn = data.draw(st.sampled_from(self._connected()))
        self.peers[conn].accepted = self.peers[conn].requested = False  # nothing sensible comes after it
        self._receive(conn, junk)

    @precondition(lambda self: self._connected())
    @rule(data=st.data(), failure=st.sampled_from([None, Failure(Cause.RESET)]))
    def a_stream_ends(self, data: Any, failure: Failure | None) -> None:
        conn = data.draw(st.sampled_from(self._connected()))
        self._lose(conn)
        self.fleet.disconnected(conn, failure, self.now)
        self._carry_out()

    @precondition(lambda self: self.gone)
    @rule(data=st.data())
    def late_news_of_the_dead(self, data: Any) -> None:
        conn = data.draw(st.sampled_from(self.gone))
        before = self.fleet.stats(self.now)
        self.fleet.received(conn, b"\x81\x02hi", self.now)
        self.fleet.connected(conn, self.now)
        self.fleet.connect_failed(conn, Failure(Cause.REFUSED), self.now)
        self.fleet.disconnected(conn, None, self.now)
        assert self.fleet.stats(self.now).messages == before.messages
        self._carry_out()

    # What users do

    @rule(limit=st.none() | st.integers(1, 50))
    def the_consumer_takes(self, limit: int | None) -> None:
        for item in self.fleet.take_items(limit):
            assert not self.ended, f"{item!r} came after Closed"
            if isinstance(item, Event):
                self.ended = isinstance(item, Closed)
            else:
                self.taken.append(int(str(item)))
        assert self.taken == sorted(set(self.taken)), "order, or a message twice"
        self._tick_if_due()

    @rule()
    def the_user_sends(self) -> None:
        try:
            self.fleet.send("hello", self.now)
        except (NotOpen, FeedClosed):
            assert not self.fleet.is_open
        else:
            assert any(isinstance(command, Write) for command in self._carry_out())

    @rule(message=st.sampled_from([None, 3, "\ud800"]))
    def the_user_sends_nonsense(self, message: Any) -> None:
        try:
            self.fleet.send(message, self.now)
        except LocalProtocolError:
            assert not self._carry_out()
        else:
            raise AssertionError(f"{message!r} was taken for a message")

    @rule()
    def the_user_rotates(self) -> None:
        self.fleet.rotate(self.now)
        self._carry_out()

    @rule()
    def the_user_closes(self) -> None:
        if self.closed_at is None:
            self.closed_at = self.now
        self.fleet.close(self.now)
        self._carry_out()

    # What must hold at any time

    @invariant()
    def the_deadline_is_a_getter(self) -> None:
        if hasattr(self, "fleet"):
            assert self.fleet.next_deadline() == self.fleet.next_deadline()
            assert not self.fleet.take_commands()

    @invariant()
    def at_most_one_connection_serves(self) -> None:
        if hasattr(self, "fleet"):
            stats = self.fleet.stats(self.now)
            assert stats.state in ("idle", "connecting", "open", "waiting", "closing", "closed")
            assert self.fleet.is_open == (stats.state == "open")

    @invariant()
    def closing_ends(self) -> None:
        if getattr(self, "closed_at", None) is None:
            return
        assert self.closed_at is not None
        if self.fleet.is_closed:
            assert self.fleet.next_deadline() == math.inf
            assert not self.peers, f"connections left: {self.peers}"
        else:
            assert self.fleet.next_deadline() <= self.closed_at + self.config.timeouts.close

    # Driving

    def _tick(self) -> None:
        self.fleet.tick(self.now)
        assert self.fleet.next_deadline() > self.now
        self._carry_out()

    def _tick_if_due(self) -> None:
        if self.fleet.next_deadline() <= self.now:
            self._tick()

    def _receive(self, conn: int, data: bytes) -> None:
        if conn in self.peers and not self.peers[conn].paused:
            self.fleet.received(conn, data, self.now)
            self._carry_out()

    def _carry_out(self) -> list[Any]:
        commands = self.fleet.take_commands()
        resumed: list[int] = []
        for command in commands:
            if isinstance(command, Connect):
                assert command.conn not in self.numbers, "a number was used again"
                assert self.closed_at is None, "a dial after close"
                self.numbers.append(command.conn)
                self.peers[command.conn] = _Peer()
                continue
            assert command.conn in self.peers, f"{command} for a connection that is gone"
            peer = self.peers[command.conn]
            if isinstance(command, Write):
                self._serve(peer, command.data)
            elif isinstance(command, Pause):
                assert not peer.paused
                peer.paused = True
            elif isinstance(command, Resume):
                assert peer.paused
                peer.paused = False
                resumed.append(command.conn)
            elif isinstance(command, Disconnect):
                self._lose(command.conn)
        for conn in resumed:
            if conn in self.peers and (unread := self.peers[conn].unread):
                self.peers[conn].unread = b""
                self._receive(conn, unread)
        return commands

    def _serve(self, peer: _Peer, data: bytes) -> None:
        if not peer.connected:
            raise AssertionError("bytes before the dial succeeded")
        try:
            peer.machine.receive_data(data)
            for event in peer.machine.events():
                if isinstance(event, Request):
                    peer.requested = True
                elif isinstance(event, CloseConnection):
                    peer.accepted = False
        except Exception:  # a server that has closed takes no more; what we sent was checked when it was open
            peer.accepted = False

    def _lose(self, conn: int) -> None:
        del self.peers[conn]
        self.gone.append(conn)

    def _dialling(self) -> list[int]:
        return [conn for conn, peer in self.peers.items() if not peer.connected]

    def _connected(self) -> list[int]:
        return [conn for conn, peer in self.peers.items() if peer.connected and not peer.paused]

    def _asking(self) -> list[int]:
        return [conn for conn, peer in self.peers.items() if peer.requested]

    def _open(self) -> list[int]:
        return [conn for conn, peer in self.peers.items() if peer.accepted and not peer.paused]
