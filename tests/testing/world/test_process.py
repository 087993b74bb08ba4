"""Our side: the five steps, stalls, slow consumers, and what an observer sees of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from holdfast import Connected, Disconnected, FeedConfig
from holdfast.commands import Connect, Disconnect, Pause, Resume, Write
from holdfast.testing import Abort, Exchange, Finish, Stream
from holdfast.testing import Write as Say
from holdfast.testing.world import Observer, Weather, World
from holdfast.testing.world.process import READ_SIZE
from testing.world.machines import HOST, Pair


class Watch(Observer):
    """Everything that can be seen, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def on_command(self, command: Any, now: float) -> None:
        self.seen.append(("command", type(command).__name__, now))

    def on_item(self, item: Any, now: float) -> None:
        self.seen.append(("item", item, now))

    def on_dialled(self, conn: int, endpoint: Any, now: float) -> None:
        self.seen.append(("dialled", conn, endpoint.host, now))

    def on_postponed(self, conn: int, until: float, now: float) -> None:
        self.seen.append(("postponed", conn, until, now))

    def on_arrival(self, conn: int, data: bytes, now: float) -> None:
        self.seen.append(("arrival", data, now))

    def on_read(self, conn: int, data: bytes, now: float) -> None:
        self.seen.append(("read", data, now))

    def on_stall(self, since: float, until: float) -> None:
        self.seen.append(("stall", since, until))

    def on_settled(self, machine: Any, now: float) -> None:
        self.seen.append(("settled", now))


# The five steps


def test_commands_are_carried_out_in_order():
    pair = Pair().open()
    pair.ask(Write(1, b"a"), Write(1, b"b"), Write(7, b"for nobody"), Disconnect(1), Write(1, b"late"))
    pair.world.run(1.0)
    assert pair.server.told == [("received", b"ab", 0.0), ("disconnected", 1, 0.0)]
    assert pair.process.sockets == {}


def test_a_dial_is_put_off_while_others_dial():
    world = World(1, start_at=0.0)
    exchange = Exchange([Stream("a", 1.0)])
    world.add_host(HOST, exchange)
    exchange.start(0.0)
    process = world.run_process(world.make_fleet(FeedConfig.build(f"ws://{HOST}/stream?streams=a", {})))
    process.observe(watch := Watch())
    process.outer_window = lambda host: 5.0 if host == HOST and world.now < 12.0 else 0.0
    process.start()
    process.stall(1.0)
    world.run(20.0)
    postponed = [entry[1:] for entry in watch.seen if entry[0] == "postponed"]
    assert postponed == [(1, 6.0, 1.0), (2, 11.0, 6.0), (3, 16.0, 11.0)]
    assert [entry for entry in watch.seen if entry[0] == "dialled"] == [("dialled", 4, HOST, 16.0)]


def test_what_is_written_while_dialling_goes_nowhere():
    pair = Pair(World(1, Weather(delay=1.0), start_at=0.0))
    pair.process.start()
    pair.ask(Write(1, b"early"))
    pair.world.run(9.0)
    assert pair.server.told == [("accepted", 1, 1.0)]


def test_the_deadline_is_kept_and_moved():
    pair = Pair().open()
    pair.client.deadline = 5.0
    pair.process.settle()
    pair.at(3.0, lambda: setattr(pair.client, "deadline", 8.0))
    pair.at(3.0, pair.process.settle)
    pair.world.run(20.0)
    assert pair.client.told == [("tick", 8.0)]


def test_a_spurious_tick_is_given_unless_we_do_not_run():
    pair = Pair().open()
    pair.process.tick()
    pair.process.stall(1.0)
    pair.process.tick()
    assert pair.client.told == [("tick", 0.0)]


def test_what_is_readable_is_read_before_the_tick():
    pair = Pair().open()
    pair.client.deadline = 2.0
    pair.process.settle()
    pair.at(1.0, lambda: pair.process.stall(4.0))
    pair.at(3.0, lambda: pair.serve(Say(1, b"alive")))
    pair.world.run(20.0)
    assert pair.client.told == [("received", b"alive", 5.0), ("tick", 5.0)]


def test_one_read_has_a_bound_and_the_tick_does_not_wait_for_the_rest():
    pair = Pair().open()
    pair.process.stall(1.0)
    pair.serve(Say(1, bytes(READ_SIZE + 10)))
    pair.world.run(2.0)
    assert [(entry[0], len(entry[1])) for entry in pair.client.was_told("received")] == [
        ("received", READ_SIZE),
        ("received", 10),
    ]
    assert [entry[0] for entry in pair.client.told] == ["received", "tick", "received"]


def test_close_is_passed_on():
    pair = Pair().open()
    pair.process.close()
    assert pair.client.told == [("close", 0.0)]


# Stalls


def test_a_dial_that_succeeded_during_a_stall_is_told_first():
    pair = Pair(World(1, Weather(delay=0.5), start_at=0.0))
    pair.process.start()
    pair.at(0.75, lambda: pair.process.stall(2.0))
    pair.at(1.0, lambda: pair.serve(Say(1, b"welcome")))
    pair.world.run(9.0)
    assert pair.client.told[1:] == [("connected", 1, 2.75), ("received", b"welcome", 2.75), ("tick", 2.75)]


def test_a_connection_that_broke_as_we_woke_was_connected_first():
    pair = Pair(World(1, Weather(delay=0.25), start_at=0.0))
    pair.process.start()
    pair.at(0.375, lambda: pair.process.stall(0.25))
    pair.at(0.5, lambda: pair.serve(Abort(1)))
    pair.at(0.5625, lambda: pair.process.stall(0.1875))  # to the moment at which the RST arrives
    pair.world.run(9.0)
    assert [entry[0] for entry in pair.client.told] == ["start", "connected", "disconnected", "tick"]


def test_of_two_stalls_the_longer_counts():
    pair = Pair().open()
    watch = Watch()
    pair.process.observe(watch)
    pair.process.stall(4.0)
    pair.at(1.0, lambda: pair.process.stall(1.0))
    pair.at(3.0, lambda: pair.process.stall(3.0))
    pair.at(2.5, lambda: pair.serve(Say(1, b"a")))
    pair.world.run(20.0)
    assert pair.client.was_told("received") == [("received", b"a", 6.0)]
    assert [entry for entry in watch.seen if entry[0] == "stall"] == [
        ("stall", 0.0, 4.0),
        ("stall", 1.0, 4.0),
        ("stall", 3.0, 6.0),
    ]


def test_a_consumer_sleeps_with_us():
    pair = Pair().open()
    watch = Watch()
    pair.process.observe(watch)
    pair.process.consumer_pause = 1.0
    pair.serve(Say(1, b"a"))
    pair.at(0.5, lambda: pair.process.stall(3.0))
    pair.world.run(20.0)
    assert [entry for entry in watch.seen if entry[0] == "item"] == [("item", b"a", 3.5)]


# Pausing


def test_a_paused_socket_keeps_its_bytes_and_gives_them_in_order():
    pair = Pair().open()
    pair.ask(Pause(1))
    for second in (1.0, 2.0):
        pair.at(second, lambda second=second: pair.serve(Say(1, b"%d" % second)))
    pair.at(3.0, pair.process.tick)
    pair.world.run(4.0)
    assert pair.client.was_told("received") == []
    pair.serve(Say(1, b"3"))
    pair.ask(Resume(1))  # what lay there comes before what arrives in this moment
    pair.world.run(5.0)
    assert b"".join(data for _, data, _ in pair.client.was_told("received")) == b"123"


@pytest.mark.parametrize(("end", "left"), [(Finish(1), ["received", "disconnected"]), (Abort(1), ["disconnected"])])
def test_rst_throws_away_what_was_not_read_and_fin_does_not(end: Finish | Abort, left: list[str]):
    pair = Pair().open()
    pair.ask(Pause(1))
    pair.serve(Say(1, b"a"))
    pair.world.run(1.0)
    pair.serve(end)
    pair.world.run(1.0)
    assert pair.client.told == []  # who does not read does not learn it
    pair.ask(Resume(1))
    pair.world.run(1.0)
    assert [entry[0] for entry in pair.client.told] == left
    assert pair.client.told[-1][1] == ("reset" if isinstance(end, Abort) else None)


def test_a_socket_that_was_shut_gives_nothing():
    pair = Pair(World(1, Weather(delay=1.0), start_at=0.0)).open()
    pair.serve(Say(1, b"under way"))
    pair.ask(Disconnect(1))
    pair.world.run(9.0)
    assert pair.client.told == []
    assert pair.server.told == [("disconnected", 1, 3.0)]


# The consumer


def test_a_consumer_takes_at_once_and_all():
    pair = Pair().open()
    pair.client.items = ["a", "b"]
    pair.process.settle()
    assert pair.client.items == []


def test_a_slow_consumer_takes_so_many_at_a_time():
    pair = Pair().open()
    watch = Watch()
    pair.process.observe(watch)
    pair.process.consumer_pause, pair.process.consumer_limit = 2.0, 2
    pair.client.items = list("abcde")
    pair.process.settle()
    pair.world.run(4.0)
    assert [entry for entry in watch.seen if entry[0] == "item"] == [
        ("item", "a", 2.0),
        ("item", "b", 2.0),
        ("item", "c", 4.0),
        ("item", "d", 4.0),
    ]
    pair.process.drain()
    assert pair.client.items == []


# Observers


def test_an_observer_sees_the_truth_in_order():
    pair = Pair(World(1, Weather(delay=0.5), start_at=0.0))
    watch = Watch()
    pair.process.observe(watch)
    pair.process.start()
    pair.at(2.0, lambda: pair.process.stall(1.0))
    pair.at(2.0, lambda: pair.serve(Say(1, b"a")))
    pair.world.run(9.0)
    assert [entry for entry in watch.seen if entry[0] != "settled"] == [
        ("command", "Connect", 0.0),
        ("dialled", 1, HOST, 0.0),
        ("stall", 2.0, 3.0),
        ("arrival", b"a", 2.5),
        ("read", b"a", 3.0),
        ("item", b"a", 3.0),
    ]
    assert [entry for entry in watch.seen if entry[0] == "settled"] == [
        ("settled", at)
        for at in (0.0, 1.0, 3.0, 3.0)  # start, connected, bytes, tick
    ]


def test_an_observer_that_overrides_nothing_is_never_called():
    pair = Pair()
    pair.process.observe(Observer())
    pair.open()
    assert not any(pair.process._hooks.values())


def test_observers_see_the_machine_of_the_process_settled():
    world = World(1)
    exchange = Exchange([Stream("a", rate=1.0)])
    world.add_host(HOST, exchange)
    exchange.start(world.now)
    fleet = world.make_fleet(FeedConfig.build(f"ws://{HOST}/stream?streams=a", {}))
    process = world.run_process(fleet)
    machines: set[int] = set()
    items: list[Any] = []

    class Settled(Observer):
        def on_settled(self, machine: Any, now: float) -> None:
            machines.add(id(machine))
            assert machine.take_commands() == []
            assert machine.next_deadline() >= now

        def on_item(self, item: Any, now: float) -> None:
            items.append(item)

    process.observe(Settled())
    process.start()
    world.run(30.0)
    process.sockets[1].link.reset()  # type: ignore[union-attr]
    world.run(30.0)
    process.close()
    world.run(10.0)
    assert machines == {id(fleet)}
    kinds = [type(item) for item in items]
    assert (kinds.count(Connected), kinds.count(Disconnected)) == (2, 1)  # a close that was asked for is told by Closed
    assert kinds.count(str) > 50
    assert fleet.next_deadline() == math.inf


def test_a_connect_command_is_a_socket_until_its_end():
    pair = Pair(World(1, Weather(delay=1.0), start_at=0.0))
    pair.process.start()
    assert pair.process.sockets[1].link is None
    pair.world.run(2.0)
    assert pair.process.sockets[1].link is pair.host.links[1]
    pair.ask(Disconnect(1), Connect(2, pair.client.endpoint))
    assert list(pair.process.sockets) == [2]
