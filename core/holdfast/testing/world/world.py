"""The simulated world: hosts, links, our process, one clock, one seed."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.failures import Cause, Failure
from holdfast.fleet import Fleet
from holdfast.testing.world.chance import Chance
from holdfast.testing.world.host import FAILURES, Dialling, Host, ServerMachine
from holdfast.testing.world.link import Link, Pipe, Weather
from holdfast.testing.world.process import Machine, Process, Socket
from holdfast.testing.world.schedule import Schedule

_TCP_RETRIES = 60.0  # seconds after which a kernel gives up a dial that nobody answers


class World:
    """Everything in it happens in simulated time, in an order that the seed determines.

        world = World(seed=1)
        exchange = Exchange([Stream("btcusdt@trade", rate=1.0)])
        world.add_host("example.com", exchange)
        exchange.start(world.now)
        config = FeedConfig.build("ws://example.com/stream?streams=btcusdt@trade", {})
        process = world.run_process(world.make_fleet(config))
        process.start()
        world.run(3600.0)

    `weather` holds for connections that are dialled from then on.
    """

    def __init__(self, seed: int | str, weather: Weather | None = None, start_at: float = 1000.0) -> None:
        self.chance = Chance(seed)
        self.weather = weather or Weather()
        self.schedule = Schedule(start_at)
        self.hosts: dict[str, Host] = {}
        self._fleet_chance = self.chance

    @property
    def now(self) -> float:
        """Seconds on the one clock."""
        return self.schedule.now

    def add_host(self, name: str, server: ServerMachine) -> Host:
        """Let `server` be dialled by that name, on any port."""
        host = self.hosts[name] = Host(name, server, self.schedule)
        return host

    def make_fleet(self, config: FeedConfig) -> Fleet:
        """A fleet whose randomness and entropy come from the seed; no two fleets draw the same."""
        chance = self._fleet_chance = self._fleet_chance.fork("fleet")
        return Fleet(config, random=chance, entropy=chance.entropy)

    def run_process(self, machine: Machine) -> Process:
        """Our process, driving a fleet, or any machine that keeps its contract. Nothing happens before `start()`."""
        process = Process(machine, self.schedule, lambda socket, endpoint: self._dial(process, socket, endpoint))
        return process

    def run(self, seconds: float, stop: Callable[[], bool] | None = None) -> None:
        """Let so much time pass; `stop` is asked after everything that happens."""
        for host in self.hosts.values():
            host.settle()
        self.schedule.run(self.schedule.now + seconds, stop)

    def _dial(self, process: Process, socket: Socket, endpoint: Endpoint) -> None:
        host = self.hosts.get(endpoint.host)
        dialling = host.dialling if host else Dialling.DNS_FAILS
        there_and_back = 2 * self.weather.delay
        if host is None or dialling in FAILURES:
            failure = FAILURES[dialling]
            self.schedule.call_in(there_and_back, lambda: process.dial_done(socket, None, failure))
        elif dialling is Dialling.HANGS:
            failure = Failure(Cause.DIAL_TIMEOUT, "simulated")
            self.schedule.call_in(_TCP_RETRIES, lambda: process.dial_done(socket, None, failure))
        else:
            self.schedule.call_in(self.weather.delay, lambda: self._answer(process, socket, host))

    def _answer(self, process: Process, socket: Socket, host: Host) -> None:
        if socket.conn not in process.sockets:
            return  # abandoned meanwhile
        conn = host.next_conn()
        chance = self.chance.fork(f"{host.name} {conn}")
        weather, schedule = self.weather, self.schedule
        link = Link(
            upward=Pipe(
                schedule,
                chance.fork("up"),
                weather,
                deliver=lambda data: host.received(conn, data),
                end=lambda _: host.ended(conn),
            ),
            downward=Pipe(
                schedule,
                chance.fork("down"),
                weather,
                deliver=lambda data: process.arrived(socket, data),
                end=lambda broken: process.ended(socket, broken=broken),
            ),
        )
        socket.link = link
        schedule.call_in(weather.delay, lambda: process.dial_done(socket, link, None))
        host.accept(conn, link)
