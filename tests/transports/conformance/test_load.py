"""Peers that do not read, floods, slow consumers, a loop that is blocked: nobody else suffers, nothing is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from helpers.raw_server import End, repeats, sends, serving
from helpers.reading_items import anext_of
from helpers.simulated import START, SimulatedBackend
from holdfast import (
    Backoff,
    Cause,
    Connected,
    Disconnected,
    Event,
    Keepalive,
    Limits,
    Paused,
    Resumed,
    Staleness,
    Stall,
)
from holdfast.driver import READ_SIZE

QUICK = Backoff(initial=0.5, maximum=0.5)
MORE_THAN_SOCKETS_TAKE = 20_000_000  # bytes; loopback buffers some megabytes


async def talks_but_never_reads(end: End, backend: SimulatedBackend) -> None:
    await end.open(reads=False)
    while True:
        await end.send("still here")
        await backend.sleep(5)


# Writers


def test_a_peer_that_never_reads_holds_up_neither_clock_nor_reader_nor_other_feeds(backend: SimulatedBackend):
    async def deaf(end: End) -> None:
        await talks_but_never_reads(end, backend)

    async def test() -> None:
        async with serving(backend, deaf) as deaf_server, serving(backend, repeats) as server:
            async with backend.open_feed(deaf_server.url) as stuck, backend.open_feed(server.url) as other:
                await anext_of(stuck.items(), Connected)
                async with backend.move_on_after(1):
                    await stuck.send(b"x" * MORE_THAN_SOCKETS_TAKE)
                    raise AssertionError("it should wait")
                for number in range(100):
                    await other.send(str(number))
                    assert await anext(aiter(other)) == str(number)
                    assert await anext(aiter(stuck)) == "still here"
                    assert backend.now() == START + 5 * number + (number == 0)
                stats = stuck.stats()
                assert (stats.connections, stats.stalls) == (1, 0)
            assert server.ends[0].pinged_at[:20] == [START + 20.0 * number for number in range(1, 21)]

    backend.run(test)


def test_a_send_that_waits_goes_on_when_the_peer_reads(backend: SimulatedBackend):
    async def reads_late(end: End) -> None:
        await end.open(reads=False)
        await backend.sleep(7)
        backend.be_patient(0.5)
        end.read_on()

    async def test() -> None:
        async with serving(backend, reads_late) as server:
            async with backend.open_feed(server.url) as feed:
                await feed.send(b"x" * MORE_THAN_SOCKETS_TAKE)
                assert backend.now() == START + 7
            assert [len(message) for message in server.ends[0].messages] == [MORE_THAN_SOCKETS_TAKE]

    backend.run(test, within=20)


def test_what_the_peer_has_taken_does_not_count_as_unsent(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, repeats) as server:
            async with backend.open_feed(server.url, limits=Limits(max_write_size=100_000)) as feed:
                for number in range(100):
                    await feed.send(f"{number:010000d}")
                    assert await anext(aiter(feed)) == f"{number:010000d}"
                assert feed.stats().connections == 1

    backend.run(test)


def test_what_a_peer_does_not_take_is_bounded_and_ends_the_connection(backend: SimulatedBackend):
    """Several senders wait; each of them may put one message behind the others."""

    async def deaf(end: End) -> None:
        await end.open(reads=False)

    async def test() -> None:
        async with serving(backend, deaf, sends("again")) as server:
            limits = Limits(max_write_size=1_000_000)
            async with backend.open_feed(server.url, limits=limits, backoff=QUICK) as feed:
                items = feed.items()
                await anext_of(items, Connected)
                returned = []

                async def send() -> None:
                    await feed.send(b"x" * (MORE_THAN_SOCKETS_TAKE // 2))
                    returned.append(backend.now())

                async def look() -> None:
                    lost = await anext_of(items, Disconnected)
                    assert lost.failure.cause is Cause.WRITE_STUCK
                    assert await anext_of(items, str) == "again"

                await backend.both(lambda: backend.both(send, send), look)
                assert len(returned) == 2

    backend.run(test)


@pytest.mark.parametrize("paused", [False, True], ids=["reading", "paused"])
def test_a_send_that_waits_returns_when_the_connection_breaks(backend: SimulatedBackend, paused: bool):
    """One task that sends and takes: paused, nobody reads, so the writer alone can find out."""

    async def breaks(end: End) -> None:
        await end.open(reads=False)
        await backend.sleep(0.5)
        await end.send(*["x" * 1000] * (30 if paused else 1))
        await backend.sleep(2.5)
        end.reset()

    async def test() -> None:
        async with serving(backend, breaks, sends("again")) as server:
            limits = Limits(max_queue_size=20_000)
            async with backend.open_feed(server.url, limits=limits, backoff=QUICK) as feed:
                await backend.sleep(1)
                assert feed.stats().queued_bytes > (20_000 if paused else 0)
                await feed.send(b"x" * MORE_THAN_SOCKETS_TAKE)
                assert backend.now() == START + 3
                while await anext(aiter(feed)) != "again":
                    pass

    backend.run(test)


def test_a_send_does_not_wait_for_what_an_old_connection_left_unsent(backend: SimulatedBackend):
    async def deaf(end: End) -> None:
        await end.open(reads=False)

    async def test() -> None:
        async with serving(backend, deaf, repeats) as server:
            staleness = Staleness(after=2, reconnect=True)
            async with backend.open_feed(server.url, staleness=staleness, backoff=QUICK) as feed:

                async def send_in_vain() -> None:
                    await feed.send(b"x" * MORE_THAN_SOCKETS_TAKE)

                async def send_anew() -> None:
                    await backend.until(lambda: feed.stats().connections == 2)
                    begun = backend.now()
                    await feed.send("to the new one")
                    assert await anext(aiter(feed)) == "to the new one"
                    assert backend.now() == begun

                await backend.both(send_in_vain, send_anew)

    backend.run(test)


# Readers


def test_a_flood_stops_neither_the_timer_nor_other_tasks(backend: SimulatedBackend):
    """There is always something to read: the loop is never idle, and time passes because work takes time."""
    work, chunks = 0.01, 3000

    async def floods(end: End) -> None:
        await end.open()
        for number in range(chunks):
            await end.send(*[str(10 * number + one) for one in range(10)])
            backend.block(work)
            await backend.sleep(0)

    async def test() -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await backend.sleep(0)
                turns += 1

        async with serving(backend, floods) as server, backend.tasks() as tasks:
            tasks.start(other)
            keepalive = Keepalive(interval=2, timeout=1)
            async with backend.open_feed(server.url, keepalive=keepalive) as feed:
                stream = aiter(feed)
                assert [await anext(stream) for _ in range(10 * chunks)] == [str(n) for n in range(10 * chunks)]
                stats = feed.stats()
                assert (stats.connections, stats.stalls) == (1, 0)
                assert turns > chunks
            pinged_at = server.ends[0].pinged_at
            assert pinged_at[0] == pytest.approx(START + keepalive.interval, abs=10 * work)
            pauses = [later - earlier for earlier, later in pairwise(pinged_at)]
            assert len(pauses) > 10
            assert pauses == pytest.approx([keepalive.interval] * len(pauses), abs=10 * work)

    backend.run(test)


@pytest.mark.parametrize("before", ["much lies unread", "nothing lies unread"])
def test_a_loop_that_is_blocked_for_half_a_minute_loses_nothing_and_blames_nobody(
    backend: SimulatedBackend, before: str
):
    blocked, unread = 30.0, 2000 if before == "much lies unread" else 0

    async def under_load(end: End) -> None:
        await end.open()
        number = 0
        for minute in range(3):
            for _ in range(100):
                await backend.sleep(0.1)
                await end.send(str(number))
                number += 1
            if minute == 1:
                end.send_now(end.frames(*[str(number + one) for one in range(unread)]))
                number += unread
                backend.block(blocked)
        await end.send("end")

    async def test() -> None:
        async with serving(backend, under_load) as server:
            keepalive = Keepalive(interval=2, timeout=1)
            async with backend.open_feed(server.url, keepalive=keepalive) as feed:
                items = []
                async for item in feed.items():
                    items.append(item)
                    if item == "end":
                        break
            messages = [item for item in items if not isinstance(item, Event)]
            assert messages == [*map(str, range(300 + unread)), "end"]
            assert [item.conn for item in items if isinstance(item, Connected | Disconnected)] == [1]
            (stall,) = [item for item in items if isinstance(item, Stall)]
            assert blocked - 1 <= stall.duration <= blocked

    backend.run(test)


def test_a_slow_consumer_loses_no_connection_and_no_message(backend: SimulatedBackend):
    """Other clients close such a connection after 5 or 6 seconds."""
    bound, total = 1_000_000, 12_000
    messages = [f"{number:01000d}" for number in range(total)]

    async def sends_all(end: End) -> None:
        await end.open()
        for first in range(0, total, 100):
            await end.send(*messages[first : first + 100])

    async def test() -> None:
        async with serving(backend, sends_all) as server:
            options = {"keepalive": Keepalive(interval=2, timeout=2), "limits": Limits(max_queue_size=bound)}
            async with backend.open_feed(server.url, **options) as feed:
                got, events, most_queued = [], [], 0
                async for item in feed.items():
                    (events if isinstance(item, Event) else got).append(item)
                    most_queued = max(most_queued, feed.stats().queued_bytes)
                    if backend.now() < START + 60:
                        await backend.sleep(0.01)  # far slower than the server
                    else:
                        backend.be_patient(0.5)
                    if len(got) == total:
                        break
                assert got == messages
                assert bound <= most_queued <= bound + 2 * READ_SIZE, "within one read, and what its items cost"
                stats = feed.stats()
                assert (stats.connections, stats.dropped, stats.stalls, stats.gaps) == (1, 0, 0, 0)
                assert {Paused, Resumed} <= {type(event) for event in events}

    backend.run(test, within=100)


def test_reading_goes_on_although_somebody_sends_without_pause(backend: SimulatedBackend):
    """The deadline for reading on is now; whoever moves it must not put it off for ever."""

    async def sends_much(end: End) -> None:
        await end.open()
        for _ in range(100):
            await end.send("x" * 1000)

    async def test() -> None:
        async with serving(backend, sends_much) as server:
            async with backend.open_feed(server.url, limits=Limits(max_queue_size=20_000)) as feed:
                await backend.until(lambda: feed.stats().queued_bytes >= 20_000)
                first = len(await anext(aiter(feed.batches())))
                for _ in range(1000):
                    await feed.send("and I")
                    backend.block(0.001)
                assert feed.stats().queued_bytes > 0, f"nothing was read behind the first {first} messages"

    backend.run(test)
