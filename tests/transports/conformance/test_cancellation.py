"""Cancelled, or closed, at every step of the loop in turn: nothing is left, and nothing around is hurt."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from helpers.raw_proxies import http_proxy, receive_connect, receive_socks, socks_proxy
from helpers.raw_server import (
    End,
    Handler,
    RawServer,
    hanging_port,
    never_answers,
    repeats,
    sends_and_hangs_up,
    serving,
)
from helpers.simulated import SimulatedBackend
from holdfast import Backoff, Timeouts

Scenario = Callable[[SimulatedBackend, str], Awaitable[None]]
Place = Callable[[SimulatedBackend], AbstractAsyncContextManager[RawServer]]
QUICK = Backoff(initial=0.5, maximum=0.5, jitter=0.0)
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
FEWEST_STEPS = 10  # a scenario with fewer was not swept, but skipped
MOST_STEPS = 400


@asynccontextmanager
async def good(backend: SimulatedBackend) -> AsyncIterator[RawServer]:
    """The first connection ends at once; the second lives."""

    async def lives(end: End) -> None:
        await end.open("b")
        await end.until(lambda: end.messages)
        await end.send(*end.messages)

    async with serving(backend, sends_and_hangs_up("a"), lives) as server:
        backend.names["feed.test"] = [("127.0.0.1", server.port)]
        yield server


@asynccontextmanager
async def slow_to_reach(backend: SimulatedBackend) -> AsyncIterator[RawServer]:
    """Its first address hangs."""
    async with good(backend) as server:
        with hanging_port() as port:
            backend.names["feed.test"] = [("127.0.0.1", port), ("127.0.0.1", server.port)]
            yield server


def always(handler: Handler) -> Place:
    @asynccontextmanager
    async def place(backend: SimulatedBackend) -> AsyncIterator[RawServer]:
        async with serving(backend, handler) as server:
            backend.names["feed.test"] = [("127.0.0.1", server.port)]
            yield server

    place.__name__ = handler.__name__
    return place


async def says_nothing(end: End) -> None:
    """Not even a TLS handshake."""


async def never_reads(end: End) -> None:
    await end.open("a", reads=False)


async def whole_life(backend: SimulatedBackend, url: str) -> None:
    """Open, get a message, lose the connection, reconnect, send, get, close."""
    async with backend.open_feed(url, backoff=QUICK) as feed:
        stream = aiter(feed)
        assert [await anext(stream), await anext(stream)] == ["a", "b"]
        await feed.send("c" * 20_000)
        assert await anext(stream) == "c" * 20_000
        await feed.close()


async def left_by_an_exception(backend: SimulatedBackend, url: str) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with backend.open_feed(url, backoff=QUICK) as feed:
            assert await anext(aiter(feed)) == "a"
            raise ValueError("mine")


async def two_feeds(backend: SimulatedBackend, url: str) -> None:
    async with backend.open_feed(url) as outer, backend.open_feed(url) as inner:

        async def use(feed) -> None:
            await feed.send("c")
            assert await anext(aiter(feed)) == "c"

        await backend.both(lambda: use(outer), lambda: use(inner))


async def dials_in_vain(backend: SimulatedBackend, url: str, **options: object) -> None:
    async with backend.open_feed(url, backoff=QUICK, timeouts=Timeouts(connect=1.0), **options) as feed:
        await backend.sleep(3.2)
        assert feed.stats().dials == 3


async def dials_tls_in_vain(backend: SimulatedBackend, url: str) -> None:
    await dials_in_vain(backend, url.replace("ws://", "wss://"), tls=TLS)


def through(scheme: str) -> Scenario:
    """The server is a proxy, and the service behind it."""

    async def life_through_a_proxy(backend: SimulatedBackend, url: str) -> None:
        options = {"proxy": url.replace("ws://", f"{scheme}://"), "backoff": QUICK}
        async with backend.open_feed("ws://service.test/", **options) as feed:
            await feed.send("c")
            assert await anext(aiter(feed)) == "c"
            await feed.close()

    return life_through_a_proxy


def in_vain_through(scheme: str) -> Scenario:
    async def dials_a_proxy_in_vain(backend: SimulatedBackend, url: str) -> None:
        await dials_in_vain(backend, "ws://service.test/", proxy=url.replace("ws://", f"{scheme}://"))

    return dials_a_proxy_in_vain


async def sends_to_the_deaf(backend: SimulatedBackend, url: str) -> None:
    async with backend.open_feed(url, timeouts=Timeouts(close=1.0)) as feed:
        assert await anext(aiter(feed)) == "a"
        async with backend.move_on_after(1):
            await feed.send("x" * 12_000_000)
            raise AssertionError("nobody takes it")


@pytest.mark.parametrize(
    ("place", "scenario"),
    [
        (good, whole_life),
        (slow_to_reach, whole_life),
        (good, left_by_an_exception),
        (always(repeats), two_feeds),
        (always(never_answers), dials_in_vain),
        (always(says_nothing), dials_tls_in_vain),
        (always(never_reads), sends_to_the_deaf),
        (always(http_proxy(repeats)), through("http")),
        (always(socks_proxy(repeats)), through("socks5h")),
        (always(receive_connect), in_vain_through("http")),
        (always(receive_socks), in_vain_through("socks5h")),
    ],
    ids=lambda function: function.__name__,
)
def test_cancelled_at_every_step(backend: SimulatedBackend, place: Place, scenario: Scenario):
    complete = False
    for step in range(1, MOST_STEPS):
        if complete := run_and_cancel(backend, place, scenario, step):
            break
    assert complete
    assert step > FEWEST_STEPS


def run_and_cancel(backend: SimulatedBackend, place: Place, scenario: Scenario, step: int) -> bool:
    """Whether the scenario was complete before that step."""
    results = []

    async def test() -> None:
        async with place(backend) as server, backend.tasks() as tasks:
            heart = Heart(backend)
            tasks.start(heart.beat)
            url = f"ws://feed.test:{server.port}/"
            async with backend.leaves_nothing(lambda: server.descriptors):
                results.append(await backend.cancelled_at(step, lambda: scenario(backend, url)))
            await scopes_are_whole(backend)
            assert await heart.beats_on()

    backend.run(test, within=60)
    return results == [True]


@pytest.mark.parametrize(
    ("place", "scheme"),
    [
        (good, "ws"),
        (slow_to_reach, "ws"),
        (always(never_answers), "ws"),
        (always(says_nothing), "wss"),
        (always(never_reads), "ws"),
        (always(http_proxy(repeats)), "http"),
        (always(socks_proxy(repeats)), "socks5h"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_closed_at_every_step(backend: SimulatedBackend, place: Place, scheme: str):
    """By another task; whatever the driver is doing just then, perhaps for a connection that comes in this moment."""
    closed = True
    for step in range(1, MOST_STEPS):
        closed = run_and_close(backend, place, scheme, step)
        if not closed:
            break
    assert not closed
    assert step > FEWEST_STEPS


def run_and_close(backend: SimulatedBackend, place: Place, scheme: str, step: int) -> bool:
    """Whether the feed lived until that step."""
    closed_at = []

    async def test() -> None:
        async with place(backend) as server, backend.leaves_nothing(lambda: server.descriptors):
            timeouts = Timeouts(connect=1.0, close=1.0)
            url = f"{scheme}://feed.test:{server.port}/"
            options: dict[str, object] = {"tls": TLS} if scheme == "wss" else {}
            if not scheme.startswith("ws"):
                url, options = "ws://service.test/", {"proxy": url}
            async with backend.open_feed(url, backoff=QUICK, timeouts=timeouts, **options) as feed:

                def close() -> None:
                    closed_at.append(backend.now())
                    feed._fleet.close(backend.now())
                    feed._driver.settle()

                backend.at_step(step, close)
                async with backend.move_on_after(3.2):
                    async for _ in feed.items():
                        pass
                if closed_at:
                    await feed.close()
                    assert backend.now() <= closed_at[0] + timeouts.close
                backend.at_step(0, close)  # not any more

    backend.run(test, within=60)
    return bool(closed_at)


class Heart:
    """A task beside the feed."""

    def __init__(self, backend: SimulatedBackend) -> None:
        self._backend = backend
        self._beats = 0

    async def beat(self) -> None:
        while True:
            await self._backend.sleep(1)
            self._beats += 1

    async def beats_on(self) -> bool:
        before = self._beats
        await self._backend.sleep(2.5)
        return self._beats >= before + 2


async def scopes_are_whole(backend: SimulatedBackend) -> None:
    """Another timeout works as ever, inside and out."""
    begun = backend.now()
    async with backend.move_on_after(4):
        async with backend.move_on_after(1):
            await backend.sleep(60)
        assert backend.now() == begun + 1
        await backend.sleep(60)
    assert backend.now() == begun + 4
