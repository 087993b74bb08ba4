"""Dials through proxies: time limits, names that nobody knows, and that nothing of a dial stays."""

from __future__ import annotations

import socket

import pytest

from helpers.raw_proxies import http_proxy, receive_connect, receive_socks, socks_proxy
from helpers.raw_server import End, Handler, RawServer, hanging_port, never_answers, nobody, sends, serving
from helpers.reading_items import anext_of
from helpers.simulated import START, SimulatedBackend, descriptors
from holdfast import Backoff, Cause, Connected, ConnectFailed, Failure, RetryScheduled, Timeouts

SLOW = Backoff(initial=20.0, maximum=20.0)
SCHEMES = pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "no such name")


async def first_failure(
    backend: SimulatedBackend, url: str, proxy: str, server: RawServer | None = None
) -> ConnectFailed:
    """What the first dial comes to; behind it nothing may be left but the feed."""
    before = descriptors() - (server.descriptors if server else 0)
    async with backend.open_feed(url, proxy=proxy, backoff=SLOW) as feed:
        tasks = backend.foreign_tasks()
        items = feed.items()
        failed = await anext_of(items, ConnectFailed)
        assert type(await anext(items)) is RetryScheduled
        await backend.sleep(1)
        assert descriptors() - (server.descriptors if server else 0) == before, "a socket of the dial stayed open"
        assert backend.foreign_tasks() <= tasks, "a task of the dial is still there"
    return failed


@SCHEMES
def test_a_proxy_that_is_not_there(backend: SimulatedBackend, scheme: str):
    async def test() -> None:
        with nobody() as port:
            failed = await first_failure(backend, "ws://127.0.0.1/", f"{scheme}://127.0.0.1:{port}")
            assert (failed.failure.cause, failed.at) == (Cause.PROXY, START)

    backend.run(test)


@SCHEMES
def test_a_proxy_that_does_not_answer_to_syn(backend: SimulatedBackend, scheme: str):
    async def test() -> None:
        with hanging_port() as port:
            failed = await first_failure(backend, "ws://127.0.0.1/", f"{scheme}://127.0.0.1:{port}")
            assert (failed.failure.cause, failed.at) == (Cause.PROXY, START + 10)

    backend.run(test)


async def says_nothing(end: End) -> None:
    """Not a word."""


@pytest.mark.parametrize(
    ("scheme", "handler"),
    [("http", says_nothing), ("http", receive_connect), ("socks5h", says_nothing), ("socks5h", receive_socks)],
    ids=["http", "connect", "socks", "socks request"],
)
def test_a_proxy_that_hangs(backend: SimulatedBackend, scheme: str, handler: Handler):
    async def test() -> None:
        async with serving(backend, handler) as server:
            failed = await first_failure(backend, "ws://127.0.0.1/", f"{scheme}://127.0.0.1:{server.port}", server)
            assert failed.at == START + 10
            place = f"127.0.0.1:{server.port}"
            assert failed.failure == Failure(
                Cause.PROXY, f"{place}: did not connect us in time: Timeouts.connect is 10 s"
            )

    backend.run(test)


@pytest.mark.parametrize(("scheme", "whole"), [("http", http_proxy), ("socks5h", socks_proxy)])
def test_a_service_that_hangs_behind_a_proxy(backend: SimulatedBackend, scheme: str, whole):
    async def test() -> None:
        async with serving(backend, whole(never_answers)) as server:
            failed = await first_failure(backend, "ws://127.0.0.1/", f"{scheme}://127.0.0.1:{server.port}", server)
            assert (failed.failure.cause, failed.at) == (Cause.DIAL_TIMEOUT, START + 10)

    backend.run(test)


@pytest.mark.parametrize(("scheme", "whole"), [("http", http_proxy), ("socks5h", socks_proxy)])
def test_the_time_limit_is_the_machines_alone(backend: SimulatedBackend, scheme: str, whole):
    """However long that is: libraries below like to have a limit of their own."""

    async def slow(end: End) -> None:
        await backend.sleep(1000)
        await whole(sends("late"))(end)

    async def test() -> None:
        async with serving(backend, slow) as server:
            proxy = f"{scheme}://127.0.0.1:{server.port}"
            async with backend.open_feed("ws://127.0.0.1/", proxy=proxy, timeouts=Timeouts(connect=1001)) as feed:
                assert (await anext_of(feed.items(), Connected)).at == START + 1000

    backend.run(test)


@SCHEMES
def test_nobody_knows_the_name_of_the_proxy(backend: SimulatedBackend, scheme: str):
    backend.names["proxy.test"] = UNKNOWN

    async def test() -> None:
        failed = await first_failure(backend, "ws://127.0.0.1/", f"{scheme}://proxy.test:1")
        assert (failed.failure.cause, failed.at) == (Cause.PROXY, START)
        assert "proxy.test:1: name not resolved" in str(failed.failure)

    backend.run(test)


def test_with_socks5_nobody_knows_the_name_of_the_service(backend: SimulatedBackend):
    backend.names["feed.test"] = UNKNOWN

    async def test() -> None:
        async with serving(backend, socks_proxy(never_answers)) as server:
            failed = await first_failure(backend, "ws://feed.test/", f"socks5://127.0.0.1:{server.port}", server)
            assert (failed.failure.cause, failed.at) == (Cause.DNS, START)

    backend.run(test)


@pytest.mark.parametrize(("scheme", "whole"), [("http", http_proxy), ("socks5h", socks_proxy)])
def test_with_http_and_socks5h_the_name_of_the_service_is_not_looked_up(backend: SimulatedBackend, scheme: str, whole):
    backend.names["feed.test"] = UNKNOWN

    async def test() -> None:
        async with serving(backend, whole(sends("here"))) as server:
            proxy = f"{scheme}://127.0.0.1:{server.port}"
            async with backend.open_feed("ws://feed.test/", proxy=proxy) as feed:
                assert await anext(aiter(feed)) == "here"

    backend.run(test)
