"""One voyage: a feed, a service and their troubles, from one seed, under the eyes of all checkers.

First the troubles strike, and safety is checked all the time. Then everything is healed, and the feed must be open and
delivering again within its bound. Then it is closed, and must end; some voyages are closed in the midst of their
troubles. A canary sails the same way with a planted fault.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256

from fuzz.checkers import CHECKERS, Checker, Violation
from fuzz.dials import Makers, Others
from fuzz.doors import Door, names_of
from fuzz.ear import Ear, Overheard, overhearing
from fuzz.greetings import Greetings
from fuzz.longest import Longest
from fuzz.plan import HOST, Plan
from fuzz.roster import ONLY, Roster
from fuzz.snapshots import Snapshots
from fuzz.spans import Spans
from fuzz.stream_service import PlainService, StreamService
from fuzz.troubles import TROUBLES
from fuzz.user import User
from holdfast import DialectFailed, Event, Fleet, Gap, Item, LegEnded, PongReceived
from holdfast.commands import Command
from holdfast.testing import Client, Exchange, Fault, IgnorePings, LastingFault, Stream
from holdfast.testing.world import Dialling, Host, Link, Observer, Weather, World

_LOOK_EVERY = 600.0  # seconds


@dataclass(frozen=True)
class Log:
    """What came of a voyage."""

    plan: Plan
    seconds: float  # simulated
    dials: int
    messages: int
    troubles: Counter[str]
    digest: str  # of all commands and items: the same seed gives the same


class _Digest(Observer):
    """Everything that the machine said, as one number."""

    def __init__(self) -> None:
        self._sum = sha256()
        self.messages = 0

    def on_command(self, command: Command, now: float) -> None:
        self._sum.update(f"{now!r}{command!r}".encode())

    def on_item(self, item: Item, now: float) -> None:
        self.messages += not isinstance(item, Event)
        self._sum.update(f"{now!r}{item!r}".encode())

    def hexdigest(self) -> str:
        return self._sum.hexdigest()


class Voyage(Longest):
    """The world of one plan, and what troubles do to it."""

    def __init__(self, plan: Plan, checkers: Iterable[type[Checker]] = CHECKERS) -> None:
        self.plan = plan
        self.world = World(plan.seed, plan.weather)
        streams = [Stream(name, plan.rate / len(plan.streams)) for name in plan.streams]
        self.ear = Ear(lambda: self.world.now)
        self.service: StreamService | None = None  # of a voyage with a dialect
        if plan.spoken is not None:
            self.service = StreamService(plan.spoken, lambda: self.world.now, self._clients, self._break_off)
        self.exchange = Exchange(
            streams,
            service=self.service or PlainService(),
            ping_interval=plan.server_ping,
            flush_every=plan.flush_every,
            ledger_size=1,
            rules=plan.rules,
        )
        self.host = self.world.add_host(HOST, self.exchange)
        self.doors = [self.host]
        for name in names_of(HOST, plan.doors.count)[1:]:
            self.world.hosts[name] = door = Door(name, self.host, self.world)
            self.doors.append(door)
        self.answer_dials()
        self.config = plan.config if plan.spoken is None else plan.config_for(Overheard.by(self.ear, plan.spoken))
        self.snapshots = Snapshots(self, plan.resync) if plan.resync is not None else None
        if self.snapshots is not None:
            self.config = replace(self.config, resync=self.snapshots.setting)
        self.makers = Makers(self, plan.dials) if plan.dials.makes else None
        if self.makers is not None:
            self.config = self.makers.in_place_of_endpoints(self.config)
        self.greetings = Greetings(self, plan.dials) if plan.dials.greets else None
        if self.greetings is not None:
            self.config = replace(self.config, on_connect=self.greetings.on_connect)
        chance = self.world.chance.fork("fleet")
        self.fleet = Fleet(self.config, random=chance, entropy=chance.entropy, observe=self._tell_checkers)
        self.process = self.world.run_process(self.fleet)
        self.others = Others(lambda: self.now) if plan.dials.shared else None
        if self.others is not None:
            self.process.outer_window = self.others.ask
        self.roster = Roster(self) if plan.is_sharded else None
        self.user = User(self) if plan.spoken is not None else None
        if self.user is not None:
            self.process.observe(self.user)
        if plan.spoken is not None:
            self.process.observe(self.ear)
        self.healed = False
        self._lost: set[int] = set()  # connections of the service whose other end is gone, at the latest look
        self._began = self.now
        self.troubles: Counter[str] = Counter()
        self._withheld, self._holds, self._unanswered = Spans(), Spans(), Spans()
        self._chance = self.world.chance.fork("troubles")
        self._digest = _Digest()
        self.process.observe(self._digest)
        self.checkers: Sequence[Checker] = [checker(self) for checker in checkers]
        busy = [checker for checker in self.checkers if not checker.is_idle]
        for checker in busy:
            self.process.observe(checker)
        self._hear_events = [checker.on_event for checker in busy if type(checker).on_event is not Checker.on_event]
        if self.user is not None:
            self._hear_events.append(self.user.on_event)
        if self.roster is not None:
            self._hear_events.insert(0, self.roster.on_event)
            self.roster.update()

    def _tell_checkers(self, event: Event) -> None:
        if type(event) is PongReceived:
            return  # half of all events, in a quiet voyage, and nobody judges by them
        if type(event) is DialectFailed:
            raise Violation(11, str(event), self.now)  # those of voyages know every message
        for hear in self._hear_events:
            hear(event)

    # What troubles use

    @property
    def now(self) -> float:
        return self.world.now

    def links(self) -> list[Link]:
        return [socket.link for socket in self.process.sockets.values() if socket.link is not None]

    def reset_links(self) -> None:
        for link in self.links():
            link.reset()

    def strike(self, fault: Fault) -> None:
        """A fault of the service."""
        if not self.healed:
            if isinstance(fault, IgnorePings):
                self._unanswered.add(self.now, self.now + fault.lasts)
            self.exchange.strike(fault, self.now)
            self.host.settle()

    def withhold(self, fault: LastingFault) -> None:
        """A fault of the service by which it does not send what it published, and then goes on as if it had."""
        if not self.healed:
            self._withheld.add(self.now, self.now + fault.lasts)
            self.strike(fault)

    def was_withheld(self, stream: str, number: int) -> bool:
        """Whether the service itself kept back that message, so that nobody on the way lost it."""
        at = self.exchange.published_at(stream, number)
        if self.service is not None and self.service.was_absent(stream, at):
            return True
        return self._withheld.cover(at)

    def hold(self, until: float, *, upward: bool = True, downward: bool = True) -> None:
        """The network stalls for the connections that there are."""
        for link in self.links():
            self.hold_link(link, until, upward=upward, downward=downward)
        self._holds.add(self.now, until)

    def hold_link(self, link: Link, until: float, *, upward: bool = True, downward: bool = True) -> None:
        """The network stalls for one of them."""
        self._holds.add(self.now, until)
        link.hold(until, upward=upward, downward=downward)

    def disturbed(self, since: float, until: float) -> bool:
        """Whether the network stalled in between, or the service kept back messages or pongs."""
        return any(kind.touch(since, until) for kind in (self._holds, self._withheld, self._unanswered))

    def held(self, since: float, until: float, dialled: float = -math.inf) -> float:
        """Seconds in between in which the network stalled for a connection that was dialled at that time."""
        holds = self._holds.between(since, until)
        return sum(max(0.0, min(ended, until) - max(began, since)) for began, ended in holds if began >= dialled)

    def change_weather(self, weather: Weather) -> None:
        """For connections that are dialled from now on. No worse than that of the plan, by which checkers judge."""
        if not self.healed:
            self.world.weather = weather

    def rotate(self) -> None:
        """The user has the connections replaced."""
        if self.process.awake_at < self.now:
            self.fleet.rotate(self.now)
            self.process.settle()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Not any more once the voyage is healed."""
        self.world.schedule.call_in(seconds, lambda: None if self.healed else call())

    def shut(self, how: Dialling) -> None:
        """Nobody is let in."""
        for door in self.doors:
            door.dialling = how

    def answer_dials(self) -> None:
        for door in self.doors:
            self.open(door)

    def open(self, door: Host) -> None:
        """Whoever knocks there is let in again, unless nobody ever is."""
        doors = self.plan.doors
        door.dialling = Dialling.ANSWERED
        if doors.always and doors.dead is not None and door is self.doors[doors.dead[0]]:
            door.dialling = doors.dead[1]

    def hurry_consumer(self) -> None:
        self.process.consumer_pause = 0.0
        self.process.consumer_limit = None

    # Streams

    def wanted(self) -> list[str]:
        """What the user wants now, in an order that no hash decides."""
        return list(self.user.wanted) if self.user is not None else []

    def shard_of(self, conn: int) -> int:
        """Which of the feed's it is a connection of."""
        return ONLY if self.roster is None else self.roster.shard_of(conn)

    def shard_with(self, event: LegEnded) -> int:
        """Which one told of that."""
        return ONLY if self.roster is None else self.roster.shard_with(event)

    def wanted_on(self, conn: int) -> Sequence[str]:
        """What the user wants of its shard."""
        return self.wanted() if self.roster is None else self.roster.carried_with(conn)

    def concerned_by(self, gap: Gap) -> Collection[str] | None:
        """The streams in which it is; None: in all."""
        if self.roster is not None:
            return self.roster.concerned_by(gap)
        return None if gap.stream is None else (gap.stream,)

    def watched_streams(self) -> list[str]:
        """Those whose silence must be noticed."""
        spoken = self.plan.spoken
        if spoken is None:
            return []
        streams = [one for one in self.plan.streams if one not in self.plan.rules.silent]
        return [stream for stream in streams if spoken.patience(stream).silence is not None]

    def noticeable_losses(self) -> list[str]:
        """What the service may forget that we are subscribed to, because we can find out."""
        spoken = self.plan.spoken
        if spoken is None or self.service is None:
            return []
        asks = spoken.lists and self.config.subscribing.audit_every is not None
        found = set(self.plan.streams if asks else self.watched_streams())
        return sorted(found & self.service.served())

    def as_many_as_fit(self, streams: list[str]) -> list[str]:
        """The first of them, as far as the dialect knows a limit."""
        most = self.plan.spoken.limits.max_streams if self.plan.spoken is not None else None
        if self.plan.is_sharded:
            return streams
        return streams if most is None else streams[: max(0, most - len(self.wanted()))]

    def _clients(self) -> list[Client]:
        """Those of our connections that the service takes for open; it may not have heard of the end of others."""
        links, there = self.host.links, {id(link) for link in self.links()}
        connections = [one for one in self.exchange._connections.values() if one.is_open and not one.is_closing]
        return [one.client for one in connections if one.conn in links and id(links[one.conn]) in there]

    def conn_of(self, client: Client) -> int:
        """What we call the connection of one of these."""
        theirs = next(conn for conn, one in self.exchange._connections.items() if one.client is client)
        link = self.host.links[theirs]
        return next(conn for conn, socket in self.process.sockets.items() if socket.link is link)

    def _break_off(self) -> None:
        """Soon, because the service is in the midst of an answer."""
        self.later(0.0, self.reset_links)

    # The voyage

    def sail(self) -> Log:
        """Raises Violation when a promise is broken."""
        try:
            with overhearing():
                self._sail()
        except Violation:
            raise
        except Exception as error:
            raise Violation(11, f"{type(error).__name__}: {error}", self.now) from error
        finally:
            self.process.end_jobs()
        digest = self._digest
        dials = self.fleet.stats(self.now).dials
        return Log(self.plan, self.now - self._began, dials, digest.messages, self.troubles, digest.hexdigest())

    def _sail(self) -> None:
        self.exchange.start(self.now)
        self.process.start(wall_offset=1.7e9)
        for kind in sorted(self.plan.pauses):
            self._await_trouble(kind)
        self._run_while_it_lasts(self.plan.seconds)
        if self.plan.heals:
            self._heal()
            if self.fleet.ended is None:
                self.world.run(self.longest_way_back)
            else:
                self.process.drain()
            for checker in self.checkers:
                checker.after_healing(self.now)
        self.healed = True  # nothing new goes wrong from here on, but what is wrong stays so
        self.world.run(max(0.0, self.process.awake_at - self.now))
        self.process.close()
        self.world.run(self.config.timeouts.close)
        self.process.drain()
        for checker in self.checkers:
            checker.after_closing(self.now)

    def _run_while_it_lasts(self, seconds: float) -> None:
        """A feed that has ended by itself has no troubles any more."""
        until = self.now + seconds
        while self.now < until and self.fleet.ended is None:
            self.world.run(min(_LOOK_EVERY, until - self.now))
            self._give_up_the_lost()

    def _give_up_the_lost(self) -> None:
        """As kernels do with connections on which nobody has answered for ten minutes or so."""
        there = {id(link) for link in self.links()}
        lost = {conn for conn, link in self.host.links.items() if id(link) not in there}
        for conn in sorted(lost & self._lost):
            self.host.ended(conn)
        self._lost = lost - self._lost

    def _await_trouble(self, kind: str) -> None:
        pause = self.plan.pauses[kind]
        self.later(0.25 * round(4 * pause * 2 * self._chance.random()), lambda: self._trouble(kind))

    def _trouble(self, kind: str) -> None:
        self.troubles[kind] += 1
        TROUBLES[kind](self, self._chance)
        self._await_trouble(kind)

    def _heal(self) -> None:
        self.healed = True
        self.exchange.forgive(self.now)
        if self.service is not None:
            self.service.heal()
        self.answer_dials()
        for door in self.doors:
            if isinstance(door, Door):
                door.leads_to = None
        if (dead := self.plan.doors.dead) is not None:
            self.doors[dead[0]].dialling = dead[1]
            self.reset_links()  # or nobody would knock
        if self.others is not None:
            self.put_off = self.others.stop()
        self.hurry_consumer()
        self._holds.end(self.now)
        self._unanswered.end(self.now)
        self.world.weather = self.plan.weather
        for link in [*self.links(), *self.host.links.values()]:  # also those whose end the service has not heard of
            link.release()


def sail(plan: Plan, canary: AbstractContextManager[object] | None = None) -> Log:
    """One voyage, with a planted fault if a canary is given."""
    with canary or nullcontext():
        return Voyage(plan).sail()
