"""Closing ends it: from every state, by every way out, within `Timeouts.close` of simulated time, and wholly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest

from helpers.raw_server import End, hanging_port, never_answers, nobody, repeats, sends, serving
from helpers.reading_items import anext_of
from helpers.simulated import SimulatedBackend
from holdfast import Backoff, Closed, Connected, Feed, Limits, Paused, RetryScheduled, Timeouts

TIMEOUTS = Timeouts(connect=30.0, close=5.0)
NOT_SOON = Backoff(initial=600.0, maximum=600.0)

# Situations: each gives a feed in some state.


@asynccontextmanager
async def looking_up_a_name(backend: SimulatedBackend) -> AsyncIterator[str]:
    backend.names["feed.test"] = None
    yield "ws://feed.test/"


@asynccontextmanager
async def connecting(backend: SimulatedBackend) -> AsyncIterator[str]:
    with hanging_port() as port:
        yield f"ws://127.0.0.1:{port}/"


@asynccontextmanager
async def connecting_to_several(backend: SimulatedBackend) -> AsyncIterator[str]:
    with hanging_port() as one, hanging_port() as other:
        backend.names["feed.test"] = [("127.0.0.1", one), ("127.0.0.1", other)]
        yield "ws://feed.test/"


def served(handler: Any, scheme: str = "ws") -> Callable[[SimulatedBackend], AbstractAsyncContextManager[str]]:
    @asynccontextmanager
    async def situation(backend: SimulatedBackend) -> AsyncIterator[str]:
        async with serving(backend, handler) as server:
            yield server.url.replace("ws", scheme, 1)

    return situation


async def says_nothing(end: End) -> None:
    """Not even a TLS handshake."""
    await end.until_gone()


async def ignores_close(end: End) -> None:
    end.answers_close = False
    await end.open("here")


async def never_reads(end: End) -> None:
    await end.open("here", reads=False)


async def closes_and_stays(end: End) -> None:
    """A close frame, and then the stream does not end."""
    end.answers_close = False
    await end.open("here")
    end.close(1000)


async def fills_the_queue(end: End) -> None:
    await end.open()
    await end.until(lambda: end.messages)
    await end.send(*["x" * 1000] * 50)


@asynccontextmanager
async def between_two_dials(backend: SimulatedBackend) -> AsyncIterator[str]:
    with nobody() as port:
        yield f"ws://127.0.0.1:{port}/"


async def nothing(feed: Feed) -> None: ...


def until(kind: type) -> Callable[[Feed], Any]:
    async def wait(feed: Feed) -> None:
        await anext_of(feed.items(), kind)

    return wait


async def until_paused(feed: Feed) -> None:
    await feed.send("begin")
    await anext_of(feed.items(), Paused)


async def until_stuck(feed: Feed) -> None:
    """More than all sockets take lies unsent."""
    await anext_of(feed.items(), Connected)
    feed._fleet.send(b"x" * 20_000_000, feed._driver.now())
    feed._driver.settle()


async def until_closed(feed: Feed) -> None:
    await anext_of(feed.items(), Connected)
    await feed.close()


SITUATIONS = {
    "at the very start": (looking_up_a_name, nothing, 0.0),
    "looking up a name": (looking_up_a_name, None, 0.0),
    "connecting": (connecting, None, 0.0),
    "connecting to several": (connecting_to_several, None, 0.0),
    "in the TLS handshake": (served(says_nothing, "wss"), None, 0.0),
    "waiting for the answer": (served(never_answers), None, 0.0),
    "between two dials": (between_two_dials, until(RetryScheduled), 0.0),
    "open": (served(repeats), until(Connected), 0.0),
    "open, the close frame is ignored": (served(ignores_close), until(Connected), TIMEOUTS.close),
    "open, the server reads nothing": (served(never_reads), until(Connected), TIMEOUTS.close),
    "open, with much unsent": (served(never_reads), until_stuck, TIMEOUTS.close),
    "open, reading paused": (served(fills_the_queue), until_paused, 0.0),
    "closed by the server, whose stream stays": (served(closes_and_stays), until(RetryScheduled), TIMEOUTS.close),
    "closed": (served(repeats), until_closed, 0.0),
}


@pytest.fixture(params=SITUATIONS.values(), ids=list(SITUATIONS))
def situation(request: pytest.FixtureRequest) -> tuple[Any, Any, float]:
    found: tuple[Any, Any, float] = request.param
    return found


def run(backend: SimulatedBackend, situation: tuple[Any, Any, float], leave: Callable[[Any, Feed], Any]) -> float:
    """Bring about the situation, leave the feed; for how long that took."""
    place, prepare, _ = situation
    took = []

    async def test() -> None:
        async with place(backend) as url:
            limits = Limits(max_queue_size=20_000)
            tasks = backend.foreign_tasks()
            context = backend.open_feed(url, timeouts=TIMEOUTS, backoff=NOT_SOON, limits=limits)

            async def use(feed: Feed) -> None:
                await (prepare(feed) if prepare else backend.sleep(0.1))
                took.append(backend.now())

            await leave(context, use)
            took.append(backend.now())
            assert backend.foreign_tasks() <= tasks

    backend.run(test)
    begun, ended = took
    return ended - begun


def test_leaving_the_block(backend: SimulatedBackend, situation):
    async def leave(context, use) -> None:
        async with context as feed:
            await use(feed)

    assert run(backend, situation, leave) == pytest.approx(situation[2])


def test_close_and_then_leaving_the_block(backend: SimulatedBackend, situation):
    async def leave(context, use) -> None:
        async with context as feed:
            await use(feed)
            await feed.close()
            assert feed.stats().state == "closed"
            begun = backend.now()
            assert type([item async for item in feed.items()][-1]) is Closed
            await feed.close()
        assert backend.now() == begun

    assert run(backend, situation, leave) == pytest.approx(situation[2])


def test_two_closes_at_the_same_time(backend: SimulatedBackend, situation):
    async def leave(context, use) -> None:
        async with context as feed:
            await use(feed)
            await backend.both(feed.close, feed.close)

    assert run(backend, situation, leave) == pytest.approx(situation[2])


def test_an_exception(backend: SimulatedBackend, situation):
    async def leave(context, use) -> None:
        mine = ValueError("mine")
        with pytest.raises(ValueError, match="mine") as caught:
            async with context as feed:
                await use(feed)
                raise mine
        assert caught.value is mine

    assert run(backend, situation, leave) == pytest.approx(situation[2])


def test_a_timeout_around_it_leaves_at_once(backend: SimulatedBackend, situation):
    async def leave(context, use) -> None:
        async with backend.move_on_after(300):
            async with context as feed:
                await use(feed)
                await backend.sleep(600)

    # The situation took up to a tenth of a second.
    assert run(backend, situation, leave) == pytest.approx(300, abs=0.2)


def test_a_timeout_while_closing_leaves_at_once(backend: SimulatedBackend, situation):
    async def leave(context, use) -> None:
        async with context as feed:
            await use(feed)
            async with backend.move_on_after(2):
                await feed.close()
            assert feed.stats().state in ("closing", "closed")

    assert run(backend, situation, leave) == pytest.approx(situation[2])


async def fail(feed: Feed) -> None:
    raise ValueError("mine")


@pytest.mark.parametrize(
    ("leave", "code"),
    [(nothing, 1000), (lambda feed: feed.close(3000, "bye"), 3000), (fail, 1001)],
    ids=["by itself", "with a code", "by an exception"],
)
def test_the_server_gets_the_close_frame_and_then_the_end(backend: SimulatedBackend, leave: Any, code: int):
    async def test() -> None:
        async with serving(backend, sends("a")) as server:
            with suppress(ValueError):
                async with backend.open_feed(server.url) as feed:
                    assert await anext(aiter(feed)) == "a"
                    await leave(feed)
            await backend.sleep(1)
            assert server.ends[0].close_code == code
            assert server.ends[0].is_closed

    backend.run(test)


def test_a_cancelled_feed_takes_leave_as_far_as_no_time_is_needed(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends("a")) as server:
            begun = backend.now()
            async with backend.move_on_after(2):
                async with backend.open_feed(server.url) as feed:
                    assert await anext(aiter(feed)) == "a"
                    await backend.sleep(60)
            assert backend.now() == begun + 2
            await backend.sleep(1)
            assert server.ends[0].close_code == 1000

    backend.run(test)


def test_what_lies_unread_when_the_close_frame_goes_out_ends_nothing_early(backend: SimulatedBackend):
    async def talks_on(end: End) -> None:
        await end.open()
        await end.send("x" * 300_000)

    async def test() -> None:
        async with serving(backend, talks_on) as server:
            async with backend.open_feed(server.url) as feed:
                items = feed.items()
                await anext_of(items, Connected)
                await feed.close()
                assert type([item async for item in items][-1]) is Closed
            await backend.sleep(1)
            assert server.ends[0].close_code == 1000

    backend.run(test)
