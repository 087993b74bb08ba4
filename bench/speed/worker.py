"""One client in one situation, a process: `python -m bench.speed.worker SITUATION CLIENT PORT`. Prints a report."""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from bench.speed.clients import CLIENTS, Client, Link
from bench.speed.messages import SIZE, plain, stamp_of

MESSAGES = 500_000  # of a throughput run
STAMPED = 2_000  # of a latency run,
WARM_UP = 100  # of which so many do not count
SENDS = 50_000
CONNECTIONS = 1_000
AT_ONCE = 40  # connections that are being opened
SETTLING, WINDOW = 2.0, 10.0  # seconds, with all connections open
PING = 20.0  # seconds, of many connections

Job = Callable[[], Awaitable[None]]


def used() -> float:
    """Processor seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory() -> int:
    """Bytes that the process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def report(**figures: float) -> NoReturn:
    """And leave at once: a closing handshake with a flooding server is measured by nobody."""
    print(json.dumps(figures), flush=True)
    os._exit(0)


class Loop:
    """What the loops have in common, by their names."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[Any] = set()
        self._nursery: Any = None

    def run(self, main: Job) -> None:
        async def with_nursery() -> None:
            import trio

            async with trio.open_nursery() as self._nursery:
                await main()

        async def plainly() -> None:
            await main()

        if self._name == "trio":
            import trio

            trio.run(with_nursery)
        else:
            import asyncio

            asyncio.run(plainly())

    async def sleep(self, seconds: float) -> None:
        if self._name == "trio":
            import trio

            await trio.sleep(seconds)
        else:
            import asyncio

            await asyncio.sleep(seconds)

    def begin(self, job: Job) -> None:
        if self._name == "trio":
            self._nursery.start_soon(job)
        else:
            import asyncio

            self._tasks.add(asyncio.ensure_future(job()))


async def count(link: Link, messages: int) -> None:
    """From the first message, or batch, on. The loops are what an application writes, and nothing else."""
    source, style, text_of = link.source, link.style, link.text_of
    left = messages
    began = -1.0
    if style == "iterate" and text_of is None:
        async for _ in source:
            if began < 0:
                began = used()
            left -= 1
            if not left:
                break
    elif style == "iterate":
        async for message in source:
            if began < 0:
                began = used()
            text_of(message)  # type: ignore[misc]
            left -= 1
            if not left:
                break
    elif style == "batches":
        async for batch in source:
            if began < 0:
                began = used()
            for _ in batch:
                left -= 1
            if left <= 0:
                break
    elif style == "receive" and text_of is None:
        await source()
        began = used()
        for _ in range(messages):
            await source()
        left = 0
    elif style == "receive":
        await source()
        began = used()
        for _ in range(messages):
            text_of(await source())  # type: ignore[misc]
        left = 0
    report(cpu=(used() - began) / (messages - left) * 1e6)


async def take_all(link: Link, take: Callable[[str], object]) -> None:
    """Calls `take` with every text, for ever."""
    source, text_of = link.source, link.text_of or (lambda message: message)
    if link.style == "callback":
        source(take)
        return
    if link.style == "receive":
        while True:
            take(text_of(await source()))
    async for message in source:
        take(message)


async def throughput(client: Client, loop: Loop, port: int) -> None:
    """Processor seconds for a million messages."""
    await flooded(client, loop, f"ws://127.0.0.1:{port}/flood/plain")


async def trades(client: Client, loop: Loop, port: int) -> None:
    """Likewise, of a dialect's updates."""
    await flooded(client, loop, f"ws://127.0.0.1:{port}/flood/trades/stream")


async def flooded(client: Client, loop: Loop, url: str) -> None:
    messages = int(MESSAGES * client.share)
    async with client.open(url, None) as link:
        if link.style != "callback":
            await count(link, messages)
        left, began = messages, -1.0

        def take(_: str) -> None:
            nonlocal left, began
            if began < 0:
                began = used()
            left -= 1
            if not left:
                report(cpu=(used() - began) / messages * 1e6)

        link.source(take)
        await loop.sleep(3600)


async def latency(client: Client, loop: Loop, port: int) -> None:
    """Microseconds from before the server sends to after the application has it."""
    late: list[int] = []

    def take(text: str, now: Callable[[], int] = time.perf_counter_ns) -> None:
        late.append(now() - stamp_of(text))
        if len(late) == STAMPED:
            sorted_ones = sorted(late[WARM_UP:])
            at: Callable[[float], float] = lambda part: sorted_ones[int(part * len(sorted_ones))] / 1000  # noqa: E731
            report(p50=at(0.5), p90=at(0.9), p99=at(0.99), cpu=(used() - began) / STAMPED * 1e6)

    async with client.open(f"ws://127.0.0.1:{port}/tick?count={STAMPED}", None) as link:
        began = used()
        await take_all(link, take)
        await loop.sleep(3600)


async def send(client: Client, loop: Loop, port: int) -> None:
    """Microseconds of processor time for one message of ours."""
    message = plain(1)
    assert len(message) == SIZE
    async with client.open(f"ws://127.0.0.1:{port}/swallow", None) as link:
        assert link.send is not None
        sending = link.send
        await sending(message)
        began = used()
        for _ in range(SENDS):
            await sending(message)
        report(cpu=(used() - began) / SENDS * 1e6)


async def scale(client: Client, loop: Loop, port: int) -> None:
    """Many connections, of few messages each."""
    opened = received = 0

    async def connection() -> None:
        nonlocal opened

        def take(_: str) -> None:
            nonlocal received
            received += 1

        async with client.open(f"ws://127.0.0.1:{port}/trickle", PING) as link:
            opened += 1
            await take_all(link, take)
            await loop.sleep(3600)

    async def open_until(wanted: int) -> None:
        begun = opened
        while opened < wanted:
            while begun < wanted and begun - opened < AT_ONCE:
                loop.begin(connection)
                begun += 1
            await loop.sleep(0.005)

    # Memory counts from a quarter of them on: what the process has room for at the start would hide the first.
    await open_until(CONNECTIONS // 4)
    await loop.sleep(SETTLING / 2)
    gc.collect()
    before = memory()
    await open_until(CONNECTIONS)
    await loop.sleep(SETTLING)
    messages, began, at = received, used(), time.perf_counter()
    await loop.sleep(WINDOW)
    took = time.perf_counter() - at
    cpu = used() - began
    gc.collect()
    report(
        cpu=cpu / (received - messages) * 1e6,
        each=cpu / took / CONNECTIONS * 1e6,
        memory=(memory() - before) / (CONNECTIONS - CONNECTIONS // 4) / 1024,
    )


WORK = {"throughput": throughput, "trades": trades, "latency": latency, "send": send, "scale": scale}


def main() -> None:
    situation, name, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the server has the others
    client = CLIENTS[name]
    loop = Loop(client.loop)
    loop.run(lambda: WORK[situation](client, loop, port))


if __name__ == "__main__":
    main()
