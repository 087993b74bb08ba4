"""Retry, backoff, staleness: when the next dial goes out, by the clock of the loop."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from helpers.raw_server import End, hanging_port, nobody, sends, sends_and_hangs_up, serving
from helpers.reading_items import anext_of
from helpers.simulated import HOUR, START, SimulatedBackend, descriptors
from holdfast import (
    Backoff,
    Closed,
    Connecting,
    DialWindow,
    Disconnected,
    Gap,
    GaveUp,
    Retry,
    RetryScheduled,
    Staleness,
    Timeouts,
)

STEADY = Backoff(initial=1.0, factor=2.0, maximum=30.0, jitter=0.0)


async def dials(feed, count: int) -> list[float]:
    """When the next so many dials went out, in seconds since the start."""
    items = feed.items()
    return [(await anext_of(items, Connecting)).at - START for _ in range(count)]


def test_the_pause_grows_to_its_maximum_while_nobody_answers(backend: SimulatedBackend):
    async def test() -> None:
        with nobody() as port:
            async with backend.open_feed(f"ws://127.0.0.1:{port}/", backoff=STEADY) as feed:
                assert await dials(feed, 9) == [0, 1, 3, 7, 15, 31, 61, 91, 121]

    backend.run(test)


def test_a_dial_that_hangs_counts_with_its_time_limit(backend: SimulatedBackend):
    async def test() -> None:
        with hanging_port() as port:
            timeouts = Timeouts(connect=5.0)
            url = f"ws://127.0.0.1:{port}/"
            async with backend.open_feed(url, backoff=STEADY, timeouts=timeouts) as feed:
                assert await dials(feed, 4) == pytest.approx([0, 6, 13, 22])

    backend.run(test)


def test_a_server_that_accepts_and_hangs_up_is_not_stormed(backend: SimulatedBackend):
    """Another client made 3,447 dials in 2 seconds."""

    async def test() -> None:
        async with serving(backend, sends_and_hangs_up("x")) as server:
            async with backend.open_feed(server.url, backoff=STEADY) as feed:
                await backend.sleep(HOUR)
                assert feed.stats().messages == len(server.ends)
            pauses = [later - earlier for earlier, later in pairwise(server.accepted_at)]
            assert pauses[:6] == pytest.approx([1, 2, 4, 8, 16, 30])
            assert set(pauses[6:]) == {30.0}

    backend.run(test, within=2 * HOUR)


def test_a_healthy_connection_resets_the_pause(backend: SimulatedBackend):
    async def lives_for_a_minute(end: End) -> None:
        await end.open()
        for _ in range(6):
            await end.send("data")
            await backend.sleep(10)
        end.reset()

    async def test() -> None:
        async with serving(backend, lives_for_a_minute) as server:
            async with backend.open_feed(server.url, backoff=STEADY) as feed:
                assert await dials(feed, 5) == pytest.approx([0, 61, 122, 183, 244])

    backend.run(test)


def test_retry_after_is_kept_to(backend: SimulatedBackend):
    async def test() -> None:
        busy = partial(End.reject, status=429, headers={"Retry-After": "120"})
        async with serving(backend, busy, sends("in")) as server:
            async with backend.open_feed(server.url, backoff=STEADY) as feed:
                assert await anext(aiter(feed)) == "in"
                assert backend.now() == START + 121

    backend.run(test)


def test_the_window_of_dials_is_strict(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends_and_hangs_up()) as server:
            quick = Backoff(initial=0.5, maximum=0.5, jitter=0.0)
            window = DialWindow(count=5, period=60.0)
            async with backend.open_feed(server.url, backoff=quick, dial_window=window):
                await backend.sleep(600)
            assert 40 <= len(server.accepted_at) <= 55
            for first, sixth in zip(server.accepted_at, server.accepted_at[5:], strict=False):
                assert sixth - first >= 60.0

    backend.run(test)


def test_the_feed_is_open_again_at_once_when_the_server_is_back(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends("back")) as server:
            with nobody() as port:
                backend.names["feed.test"] = [("127.0.0.1", port)]
                async with backend.open_feed("ws://feed.test/", backoff=STEADY) as feed:
                    await backend.sleep(1000)
                    backend.names["feed.test"] = [("127.0.0.1", server.port)]
                    assert await anext(aiter(feed)) == "back"
                    assert backend.now() <= START + 1000 + STEADY.maximum

    backend.run(test)


def test_giving_up_ends_the_iteration_and_leaves_nothing(backend: SimulatedBackend):
    async def test() -> None:
        with nobody() as port:
            async with backend.leaves_nothing():
                retry = Retry(max_attempts=3)
                async with backend.open_feed(f"ws://127.0.0.1:{port}/", backoff=STEADY, retry=retry) as feed:
                    with pytest.raises(GaveUp):
                        await anext(aiter(feed))
                    assert backend.now() == START + 3
                    with pytest.raises(GaveUp):
                        await feed.send("too late")

    backend.run(test)


def test_a_silent_connection_is_reported_and_replaced(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends("a"), sends("b")) as server:
            staleness = Staleness(after=60, reconnect=True)
            async with backend.open_feed(server.url, backoff=STEADY, staleness=staleness) as feed:
                kinds = []
                async for item in feed.items():
                    if isinstance(item, Disconnected):
                        assert item.at == START + 60
                    if isinstance(item, Disconnected | RetryScheduled | Gap | str):
                        kinds.append(item if isinstance(item, str) else type(item))
                    if item == "b":
                        break
                assert kinds == ["a", Disconnected, RetryScheduled, Gap, "b"]
                assert backend.now() == START + 61
            assert [end.close_code for end in server.ends] == [1000, 1000]

    backend.run(test)


def test_reconnects_leave_nothing_behind(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends_and_hangs_up("x")) as server:
            async with backend.open_feed(server.url, backoff=Backoff(initial=0.5, maximum=0.5, jitter=0.0)) as feed:

                async def between_two_dials() -> tuple[int, int]:
                    assert await anext(aiter(feed)) == "x"
                    await backend.sleep(0.25)
                    return len(backend.foreign_tasks()), descriptors() - server.descriptors

                first = await between_two_dials()
                for _ in range(100):
                    last = await between_two_dials()
                assert last == first
                assert feed.stats().connections == 101

    backend.run(test)


def test_the_last_item_comes_even_when_nobody_waited_for_it(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends("a")) as server, backend.open_feed(server.url) as feed:
            await backend.sleep(HOUR / 2)
            await feed.close()
            assert type([item async for item in feed.items()][-1]) is Closed

    backend.run(test)
