"""Hosts, dials, and several of everything in one world."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from holdfast import Cause, Closed, ConnectFailed, FeedConfig, Item
from holdfast.commands import Command, Connect, Disconnect, Write
from holdfast.testing import Abort, Exchange, Finish, Stream
from holdfast.testing import Write as Say
from holdfast.testing.world import Dialling, Observer, Weather, World
from testing.world.machines import HOST, Client, Pair, Server

LATE = Weather(delay=0.5)


def late_pair() -> Pair:
    return Pair(World(1, LATE, start_at=0.0))


# Dialling


def test_a_dial_takes_one_way_there_and_one_back():
    pair = late_pair()
    pair.process.start(wall_offset=7.0)
    pair.world.run(9.0)
    assert pair.client.told == [("start", 7.0), ("connected", 1, 1.0)]
    assert pair.server.told == [("accepted", 1, 0.5)]


@pytest.mark.parametrize(
    ("dialling", "cause", "at"),
    [
        (Dialling.REFUSED, "refused", 1.0),
        (Dialling.DNS_FAILS, "dns", 1.0),
        (Dialling.TLS_FAILS, "tls", 1.0),
        (Dialling.HANGS, "dial_timeout", 60.0),
    ],
)
def test_a_dial_can_fail(dialling: Dialling, cause: str, at: float):
    pair = late_pair()
    pair.host.dialling = dialling
    pair.process.start()
    pair.world.run(100.0)
    assert pair.client.told[1:] == [("connect_failed", cause, at)]
    assert pair.server.told == []
    assert pair.process.sockets == {}


def test_a_host_that_nobody_added_has_no_name():
    world = World(1, LATE, start_at=0.0)
    client = Client("ws://elsewhere.test/")
    world.run_process(client).start()
    world.run(9.0)
    assert client.told[1:] == [("connect_failed", "dns", 1.0)]


def test_a_dial_that_failed_during_a_stall_is_told_afterwards():
    pair = late_pair()
    pair.host.dialling = Dialling.REFUSED
    pair.process.start()
    pair.process.stall(5.0)
    pair.world.run(9.0)
    assert pair.client.told[1:] == [("connect_failed", "refused", 5.0), ("tick", 5.0)]


@pytest.mark.parametrize("dialling", Dialling)
def test_a_dial_that_was_abandoned_at_once_comes_to_nothing(dialling: Dialling):
    pair = late_pair()
    pair.host.dialling = dialling
    pair.process.start()
    pair.ask(Disconnect(1))
    pair.world.run(100.0)
    assert pair.client.told == [("start", 0.0)]
    assert pair.server.told == []


def test_a_dial_that_was_abandoned_after_it_was_taken_is_over_for_the_host_too():
    pair = late_pair()
    pair.process.start()
    pair.at(0.75, lambda: pair.ask(Disconnect(1)))
    pair.world.run(100.0)
    assert pair.client.told == [("start", 0.0)]
    assert pair.server.told == [("accepted", 1, 0.5), ("disconnected", 1, 1.25)]
    assert pair.host.links == {}


# A host carries out what its server says


def test_what_a_server_says_at_once_arrives_together_before_the_end():
    pair = late_pair().open()
    pair.serve(Say(1, b"a"), Say(1, b"b"), Finish(1), Say(1, b"late"))
    pair.world.run(9.0)
    assert pair.client.told == [("received", b"ab", 1.5), ("disconnected", None, 1.5)]


def test_abort_loses_what_is_under_way():
    pair = late_pair().open()
    pair.serve(Say(1, b"a"))
    pair.serve(Abort(1))
    pair.world.run(9.0)
    assert pair.client.told == [("disconnected", "reset", 1.5)]


def test_a_server_hears_nothing_more_of_a_connection_that_it_ended():
    pair = late_pair().open()
    pair.ask(Write(1, b"under way"))
    pair.serve(Finish(1))
    pair.world.run(9.0)
    assert pair.server.told == []
    assert pair.host.links == {}


def test_a_server_has_one_timer():
    pair = Pair()
    pair.server.deadline = 5.0
    pair.world.run(1.0)
    pair.server.deadline = 3.0
    pair.world.run(9.0)
    assert pair.server.told == [("tick", 3.0)]


# Several


def test_hosts_are_told_apart():
    world = World(1, start_at=0.0)
    servers = {name: Server() for name in ("one.test", "two.test")}
    clients = {name: Client(f"ws://{name}/") for name in servers}
    for name, server in servers.items():
        world.add_host(name, server)
        world.run_process(clients[name]).start()
    world.run(1.0)
    world.hosts["one.test"].dialling = Dialling.REFUSED
    servers["two.test"].commands.append(Say(1, b"two"))
    world.run(1.0)
    assert [server.told for server in servers.values()] == [[("accepted", 1, 0.0)], [("accepted", 1, 0.0)]]
    assert [len(client.was_told("received")) for client in clients.values()] == [0, 1]


def test_processes_that_dial_one_host_do_not_disturb_each_other():
    pair = Pair()
    other = Client()
    world, processes = pair.world, [pair.process, pair.world.run_process(other)]
    for process in processes:
        process.start()
    world.run(1.0)
    assert pair.server.told == [("accepted", 1, 0.0), ("accepted", 2, 0.0)]
    processes[0].stall(5.0)
    pair.serve(Say(1, b"for the first"), Say(2, b"for the second"), Abort(2))
    world.run(9.0)
    assert other.was_told("received", "disconnected") == [("disconnected", "reset", 1.0)]
    assert pair.client.was_told("received", "disconnected") == [("received", b"for the first", 6.0)]


def test_fleets_of_one_world_draw_differently():
    world = World(1)
    config = FeedConfig.build(f"ws://{HOST}/", {})
    world.add_host(HOST, Server())
    written: list[bytes] = []

    class Handshakes(Observer):
        def on_command(self, command: Command, now: float) -> None:
            if isinstance(command, Write):
                written.append(command.data)

    for _ in range(2):
        process = world.run_process(world.make_fleet(config))
        process.observe(Handshakes())
        process.start()
    world.run(1.0)
    assert len(set(written)) == 2  # each with a key of its own


def test_a_machine_may_have_several_connections():
    pair = Pair().open()
    pair.ask(Connect(2, pair.client.endpoint))
    pair.world.run(1.0)
    pair.ask(Write(2, b"second"))
    pair.world.run(1.0)
    assert pair.server.told == [("accepted", 2, 0.0), ("received", b"second", 1.0)]
    assert sorted(pair.host.links) == [1, 2]


# The same seed


class Everything(Observer):
    """A digest of all that is said on both sides of a machine."""

    def __init__(self) -> None:
        self.sum = sha256()
        self.items: list[Item] = []

    def on_command(self, command: Command, now: float) -> None:
        self.sum.update(f"{now!r}{command!r}".encode())

    def on_item(self, item: Item, now: float) -> None:
        self.items.append(item)
        self.sum.update(f"{now!r}{item!r}".encode())

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        self.sum.update(b"%d%r" % (conn, data))


def live(seed: int) -> Everything:
    """An hour of bad weather, with a reset every few minutes."""
    world = World(seed, Weather(delay=0.1, jitter=0.5, split=0.3))
    exchange = Exchange([Stream("a", rate=0.5)], ping_interval=20.0)
    host = world.add_host(HOST, exchange)
    exchange.start(world.now)
    process = world.run_process(world.make_fleet(FeedConfig.build(f"ws://{HOST}/stream?streams=a", {})))
    everything = Everything()
    process.observe(everything)
    process.start()
    chance = world.chance.fork("test")
    for _ in range(12):
        world.run(chance.lattice(100.0, 300.0))
        host.dialling = chance.choice(tuple(Dialling))
        for link in list(host.links.values()):
            link.reset()
        world.run(chance.lattice(1.0, 30.0))
        host.dialling = Dialling.ANSWERED
    process.close()
    world.run(10.0)
    return everything


def test_the_same_seed_goes_the_same_way():
    first, second, other = live(1), live(1), live(2)
    assert first.sum.digest() == second.sum.digest()
    assert first.sum.digest() != other.sum.digest()
    assert isinstance(first.items[-1], Closed)
    failed = {item.failure.cause for item in first.items if isinstance(item, ConnectFailed)}
    assert failed & {Cause.REFUSED, Cause.DNS, Cause.TLS, Cause.DIAL_TIMEOUT}


def test_nothing_happens_before_a_process_starts():
    pair = Pair()
    pair.world.run(100.0)
    assert (pair.client.told, pair.server.told) == ([], [])
    assert pair.world.now == 100.0


def test_a_run_stops_when_asked():
    pair = late_pair()
    pair.process.start()

    def connected() -> Any:
        return pair.client.was_told("connected")

    pair.world.run(100.0, stop=connected)
    assert pair.world.now == 1.0
