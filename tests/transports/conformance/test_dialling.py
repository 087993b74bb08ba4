"""What becomes of a dial: kinds of failures, time limits, and that nothing of it stays."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import pytest

from helpers.raw_server import End, Handler, RawServer, hanging_port, never_answers, nobody, sends, serving
from helpers.reading_items import anext_of
from helpers.simulated import START, SimulatedBackend, descriptors
from holdfast import Backoff, Cause, Connected, ConnectFailed, Endpoint, RetryScheduled, Timeouts

SLOW = Backoff(initial=20.0, maximum=20.0)


async def hangs_up(end: End) -> None:
    await end.request()
    end.hang_up()


async def resets(end: End) -> None:
    await end.request()
    end.reset()


async def says_nothing(end: End) -> None:
    """Not even a TLS handshake."""


async def first_failure(
    backend: SimulatedBackend, url: str | Endpoint, server: RawServer | None = None
) -> ConnectFailed:
    """What the first dial comes to; behind it nothing may be left but the feed."""
    before = descriptors() - (server.descriptors if server else 0)
    async with backend.open_feed(url, backoff=SLOW) as feed:
        tasks = backend.foreign_tasks()
        items = feed.items()
        failed = await anext_of(items, ConnectFailed)
        assert type(await anext(items)) is RetryScheduled
        await backend.sleep(1)
        assert descriptors() - (server.descriptors if server else 0) == before, "a socket of the dial stayed open"
        assert backend.foreign_tasks() <= tasks, "a task of the dial is still there"
    return failed


@pytest.mark.parametrize(
    ("place", "cause", "after"),
    [(nobody, Cause.REFUSED, 0.0), (hanging_port, Cause.DIAL_TIMEOUT, 10.0)],
    ids=["refused", "no answer to SYN"],
)
def test_no_connection(backend: SimulatedBackend, place, cause: Cause, after: float):
    async def test() -> None:
        with place() as port:
            failed = await first_failure(backend, f"ws://127.0.0.1:{port}/")
            assert (failed.failure.cause, failed.at) == (cause, START + after)

    backend.run(test)


@pytest.mark.parametrize(
    ("answer", "cause", "after"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), Cause.DNS, 0.0),
        (None, Cause.DIAL_TIMEOUT, 10.0),
    ],
    ids=["no such name", "no answer"],
)
def test_no_address(backend: SimulatedBackend, answer: OSError | None, cause: Cause, after: float):
    backend.names["feed.test"] = answer

    async def test() -> None:
        failed = await first_failure(backend, "ws://feed.test/")
        assert (failed.failure.cause, failed.at) == (cause, START + after)

    backend.run(test)


@pytest.mark.parametrize(
    ("handler", "cause", "after"),
    [
        (never_answers, Cause.DIAL_TIMEOUT, 10.0),
        (hangs_up, Cause.HANDSHAKE, 0.0),
        (resets, Cause.RESET, 0.0),
        (partial(End.reject, status=503), Cause.HTTP, 0.0),
    ],
    ids=["no answer", "hangs up", "resets", "says 503"],
)
def test_no_handshake(backend: SimulatedBackend, handler: Handler, cause: Cause, after: float):
    async def test() -> None:
        async with serving(backend, handler) as server:
            failed = await first_failure(backend, server.url, server)
            assert (failed.failure.cause, failed.at) == (cause, START + after)

    backend.run(test)


def test_a_name_with_which_no_tls_can_begin(backend: SimulatedBackend):
    """The library that makes TLS refuses it when TCP is connected already."""

    async def test() -> None:
        async with serving(backend, never_answers) as server:
            endpoint = Endpoint(server.url.replace("ws", "wss", 1), server_name=".test")
            failed = await first_failure(backend, endpoint, server)
            assert failed.at == START

    backend.run(test)


def test_the_time_limit_of_a_tls_handshake_is_the_machines_alone(backend: SimulatedBackend):
    """However long that is: libraries below like to have a limit of their own."""

    async def test() -> None:
        async with serving(backend, says_nothing) as server:
            url = server.url.replace("ws", "wss", 1)
            async with backend.open_feed(url, timeouts=Timeouts(connect=1000), backoff=SLOW) as feed:
                failed = await anext_of(feed.items(), ConnectFailed)
                assert (failed.failure.cause, failed.at) == (Cause.DIAL_TIMEOUT, START + 1000)

    backend.run(test)


def test_the_time_limit_holds_for_name_lookup_connection_and_handshake_together(backend: SimulatedBackend):
    async def answers_late(end: End) -> None:
        await end.request()
        await backend.sleep(3)
        end.accept("late")
        end.read_on()

    async def test() -> None:
        async with serving(backend, answers_late) as server:
            for limit, expected in ((2.5, ConnectFailed), (3.5, Connected)):
                async with backend.open_feed(server.url, timeouts=Timeouts(connect=limit), backoff=SLOW) as feed:
                    assert type(await anext_of(feed.items(), ConnectFailed | Connected)) is expected

    backend.run(test)


@pytest.mark.parametrize(
    ("first", "patience"),
    [(nobody, 0.0), (hanging_port, 1.0), (lambda: nullcontext(None), 0.0)],
    ids=["refuses", "hangs", "answers too"],
)
def test_of_several_addresses_one_that_answers_is_enough(
    backend: SimulatedBackend, first: partial[AbstractContextManager[int | None]], patience: float
):
    """RFC 8305: the next address is tried a moment later, while the first may still answer."""

    async def test() -> None:
        async with serving(backend, sends("here")) as server:
            with first() as port:
                backend.names["feed.test"] = [("127.0.0.1", port or server.port), ("127.0.0.1", server.port)]
                async with backend.leaves_nothing(lambda: server.descriptors):
                    async with backend.open_feed("ws://feed.test/") as feed:
                        assert await anext(aiter(feed)) == "here"
                        assert backend.now() - START <= patience
            assert len(server.ends) == 1

    backend.run(test)


def test_when_no_address_answers_the_dial_fails(backend: SimulatedBackend):
    async def test() -> None:
        with nobody() as one, nobody() as other:
            backend.names["feed.test"] = [("127.0.0.1", one), ("127.0.0.1", other)]
            failed = await first_failure(backend, "ws://feed.test/")
            assert failed.failure.cause is Cause.REFUSED

    backend.run(test)
