"""What is done with a client in a situation: watch it, leave it, close it. Each ends with the report."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from bench.peers.consumers import describe
from bench.peers.stage import Counts, Stage

Workload = Callable[[Stage], Awaitable[None]]
CLOSE_LIMIT = 10.0  # seconds after which a close that has not come back is left alone
SAMPLE_EVERY = 0.1


async def watch(stage: Stage) -> None:
    """Let it run."""
    async with stage.loop.beside(stage.client_alone):
        await stage.loop.sleep(stage.seconds)
        stage.report()


async def count_tasks(stage: Stage) -> None:
    """Let it run; the most tasks and sockets in the first quarter of the time, and in the last."""
    samples: list[Counts] = []
    async with stage.loop.beside(stage.client_alone):
        while stage.elapsed() < stage.seconds:
            samples.append(stage.counts())
            await stage.loop.sleep(SAMPLE_EVERY)
        quarter = len(samples) // 4
        for name, part in (("early", samples[:quarter]), ("late", samples[-quarter:])):
            most = Counts(max(one.tasks for one in part), max(one.sockets for one in part))
            stage.findings[name] = asdict(most)
        stage.report()


async def leave(stage: Stage) -> None:
    """Run it in the foreground, where the consumer makes it end; then look for what it left behind."""
    await _and_look(stage, stage.client)


async def time_out(stage: Stage) -> None:
    """A timeout around it."""

    async def with_timeout() -> None:
        async with stage.loop.within(stage.seconds):
            await stage.client()
            stage.findings["returned"] = True

    await _and_look(stage, with_timeout)


async def _and_look(stage: Stage, job: Callable[[], Awaitable[None]]) -> None:
    before = stage.counts()
    begun = time.monotonic()
    findings = stage.findings
    try:
        await job()
        findings["out"] = None
    except BaseException as error:
        findings["out"] = describe(error)
    findings["took"] = time.monotonic() - begun
    findings["at_once"] = asdict(stage.counts() - before)
    await stage.loop.sleep(1.0)
    findings["later"] = asdict(stage.counts() - before)
    findings["scopes_whole"] = await _scopes_are_whole(stage)


async def _scopes_are_whole(stage: Stage) -> bool:
    """Another timeout works as ever, inside and out."""
    begun = time.monotonic()
    async with stage.loop.within(0.4):
        async with stage.loop.within(0.1):
            await stage.loop.sleep(60.0)
        await stage.loop.sleep(60.0)
    return time.monotonic() - begun < 1.0


async def close(stage: Stage) -> None:
    """After a while another task calls what the application holds for closing; then it is watched for as long again."""
    async with stage.loop.beside(stage.client_alone):
        await stage.loop.sleep(stage.seconds / 2)
        findings = stage.findings
        begun = findings["close_called"] = time.monotonic()
        findings["close_took"] = None
        if stage.consumer.close is not None:
            async with stage.loop.within(CLOSE_LIMIT):
                try:
                    await stage.consumer.close()
                except Exception as error:
                    findings["close_raised"] = describe(error)
                findings["close_took"] = time.monotonic() - begun
        await stage.loop.sleep(stage.seconds / 2)
        stage.report()
