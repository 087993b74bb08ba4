"""Should the machine itself raise, by a fault of ours or of a dialect's: nobody waits for ever, and nothing is left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from helpers.raw_server import End, sends, serving
from helpers.simulated import SimulatedBackend
from helpers.simulated_asyncio import SimulatedAsyncio, SimulatedTimersFirst
from helpers.simulated_trio import SimulatedTrio
from holdfast import Fleet, Keepalive


@pytest.fixture(params=[SimulatedAsyncio, SimulatedTimersFirst, SimulatedTrio], ids=lambda kind: kind.name)
def backend(request: pytest.FixtureRequest) -> SimulatedBackend:
    made: SimulatedBackend = request.param()
    return made


def broken(monkeypatch: pytest.MonkeyPatch, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
    original = getattr(Fleet, name)

    def raises(self: Fleet, *rest: Any, **named: Any) -> Any:
        if when(*rest):
            raise ZeroDivisionError(name)
        return original(self, *rest, **named)

    monkeypatch.setattr(Fleet, name, raises)


async def hangs_up_later(end: End) -> None:
    await end.open("one")
    await end.until(lambda: end.pinged_at)
    end.hang_up()


@pytest.mark.parametrize("name", ["connected", "received", "disconnected", "tick"])
def test_the_consumer_gets_the_error(
    backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    if name == "tick":
        broken(monkeypatch, name, lambda now: now > 1010)
    else:
        broken(monkeypatch, name)

    async def test() -> None:
        async with serving(backend, hangs_up_later) as server:
            async with backend.open_feed(server.url, keepalive=Keepalive(interval=5.0)) as feed:
                async for _ in feed:
                    pass

    with caplog.at_level(logging.ERROR, "holdfast"), pytest.raises(ZeroDivisionError, match=name):
        backend.run(test)
    assert f"the feed broke: ZeroDivisionError: {name}" in caplog.text


def test_whoever_waits_for_something_else_gets_it_too(
    backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, "received")

    async def test() -> None:
        async with serving(backend, sends("one")) as server, backend.open_feed(server.url) as feed:
            await feed.send("as soon as it is open")

    with pytest.raises(ZeroDivisionError):
        backend.run(test)


def test_a_refused_dial(backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "connect_failed")

    async def test() -> None:
        backend.names["nowhere.test"] = OSError("no such host")
        async with backend.open_feed("ws://nowhere.test/") as feed:
            async for _ in feed:
                pass

    with pytest.raises(ZeroDivisionError):
        backend.run(test)


def test_leaving_leaves_nothing(backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "received")
    broken(monkeypatch, "close")

    async def test() -> None:
        async with serving(backend, sends("one")) as server:
            with pytest.raises(ZeroDivisionError):
                async with backend.open_feed(server.url) as feed:
                    async for _ in feed:
                        pass

    backend.run(test)


def test_who_waits_for_nothing_hears_of_it_when_he_leaves(
    backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, "received")

    async def test() -> None:
        async with serving(backend, sends("one")) as server, backend.open_feed(server.url):
            await backend.sleep(5)

    with pytest.raises(ZeroDivisionError):
        backend.run(test)
