"""Keepalive, over hours: a live peer is never condemned, a dead one is found in time."""

from __future__ import annotations

import pytest

from helpers.raw_server import End, sends, serving
from helpers.reading_items import anext_of
from helpers.simulated import DAY, HOUR, START, SimulatedBackend
from holdfast import Cause, Disconnected, Keepalive, Staleness

PLAIN = Keepalive()
assert PLAIN.interval is not None
IN_TIME = PLAIN.interval + PLAIN.timeout  # seconds


def test_a_quiet_healthy_server_keeps_its_one_connection_all_day(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends("only once")) as server:
            async with backend.open_feed(server.url, staleness=Staleness(after=None), stall_after=20.0) as feed:
                await backend.sleep(DAY)
                stats = feed.stats()
                assert (stats.connections, stats.dials, stats.stalls, stats.losses) == (1, 1, 0, {})
                assert stats.rtt == 0.0
            (end,) = server.ends
            gaps = {round(later - earlier, 6) for earlier, later in zip(end.pinged_at, end.pinged_at[1:], strict=False)}
            assert gaps == {PLAIN.interval}

    backend.run(test, within=DAY + HOUR)


@pytest.mark.parametrize("alive_for", [0.0, 1.0, 19.5, 20.0, 20.5, 40.0, 47.25])
def test_a_server_that_goes_silent_is_found_in_time(backend: SimulatedBackend, alive_for: float):
    async def falls_silent(end: End) -> None:
        await end.open("hello")
        await backend.sleep(alive_for)
        await end.send("last words")
        end.deaf()
        end.answers_pings = end.answers_close = False

    async def test() -> None:
        async with serving(backend, falls_silent, sends("again")) as server:
            async with backend.open_feed(server.url) as feed:
                lost = await anext_of(feed.items(), Disconnected)
                assert lost.failure.cause is Cause.PONG_TIMEOUT
                assert PLAIN.timeout <= lost.at - (START + alive_for) <= IN_TIME
                assert await anext(aiter(feed)) == "again"
                await backend.sleep(0.5)
                with pytest.raises(ConnectionError):  # its socket was closed at once, not kept
                    while True:
                        server.ends[0].send_now(b"\0" * 1000)
                        await backend.sleep(0.5)

    backend.run(test)


def test_a_server_that_ignores_pings_but_sends_data_stays(backend: SimulatedBackend):
    async def ignores_pings(end: End) -> None:
        end.answers_pings = False
        await end.open()
        while True:
            await end.send("data")
            await backend.sleep(PLAIN.timeout - 1)

    async def test() -> None:
        async with serving(backend, ignores_pings) as server:
            async with backend.open_feed(server.url) as feed:
                await backend.sleep(3 * HOUR + 1)
                stats = feed.stats()
                assert (stats.connections, stats.rtt) == (1, None)
            assert len(server.ends[0].pinged_at) == 3 * HOUR // PLAIN.interval

    backend.run(test, within=DAY)


def test_the_servers_pings_are_answered_with_their_payload(backend: SimulatedBackend):
    payloads = [str(number).encode() for number in range(20)]

    async def pings(end: End) -> None:
        await end.open()
        for number, payload in enumerate(payloads):
            end.ping(payload)
            await end.until(lambda due=number + 1: len(end.pongs) == due)
            await backend.sleep(180)  # Binance: every 3 minutes
        await end.send("done")

    async def test() -> None:
        async with serving(backend, pings) as server, backend.open_feed(server.url) as feed:
            assert await anext(aiter(feed)) == "done"
            assert server.ends[0].pongs == payloads

    backend.run(test, within=2 * HOUR)


def test_without_pings_none_is_sent_and_nobody_condemned(backend: SimulatedBackend):
    async def test() -> None:
        async with serving(backend, sends()) as server:
            async with backend.open_feed(server.url, keepalive=Keepalive(interval=None)) as feed:
                await backend.sleep(HOUR)
                assert feed.stats().connections == 1
            assert server.ends[0].pinged_at == []

    backend.run(test, within=2 * HOUR)
