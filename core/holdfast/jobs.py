"""The user's functions that the machine asks for: how they are run, and what is reported of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from holdfast.commands import MakeEndpoint, RunOnConnect, RunResync
from holdfast.errors import ConfigError, NotOpen
from holdfast.failures import Cause, failure_of_function
from holdfast.new_connection import NewConnection, Runner

Job = MakeEndpoint | RunOnConnect | RunResync


async def run_job(runner: Runner, job: Job) -> Callable[[], None]:
    """Run what it asks for; returns the input that tells the machine what came of it, to be given at once."""
    if isinstance(job, MakeEndpoint):
        return await _make_endpoint(runner, job)
    return await (_run_on_connect(runner, job) if isinstance(job, RunOnConnect) else _run_resync(runner, job))


async def _make_endpoint(runner: Runner, job: MakeEndpoint) -> Callable[[], None]:
    fleet, conn = runner.fleet, job.conn
    try:
        endpoint = await job.make()
    except Exception as error:
        failure = failure_of_function(Cause.ENDPOINT, error)
        return lambda: fleet.connect_failed(conn, failure, runner.now())
    return lambda: fleet.endpoint_made(conn, endpoint, runner.now())


async def _run_on_connect(runner: Runner, job: RunOnConnect) -> Callable[[], None]:
    fleet, conn = runner.fleet, job.conn
    failure = None
    try:
        await _to_await(job.function(NewConnection(runner, conn)), "on_connect")
    except Exception as error:
        connection = fleet.new_connection(conn)
        is_over = connection is None or connection.ended_early
        if not (is_over and _is_not_open(error)):  # else the end of the connection tells more
            failure = failure_of_function(Cause.ON_CONNECT, error)
    return lambda: fleet.on_connect_done(conn, failure, runner.now())


async def _run_resync(runner: Runner, job: RunResync) -> Callable[[], None]:
    fleet, number = runner.fleet, job.conn
    try:
        snapshot = await _to_await(job.function(job.stream, job.gap), "the function of Resync")
    except Exception as error:
        failure = failure_of_function(Cause.RESYNC, error)
        return lambda: fleet.resync_failed(number, failure, runner.now())
    return lambda: fleet.resynced(number, snapshot, runner.now())


def _to_await(given: object, what: str) -> Awaitable[object]:
    if not isinstance(given, Awaitable):
        raise ConfigError(f"{what} gave {type(given).__name__}, which nobody can await: write `async def`")
    return cast("Awaitable[object]", given)


def _is_not_open(error: Exception) -> bool:
    """NotOpen, and perhaps in the group of a nursery or a task group."""
    if isinstance(error, ExceptionGroup):
        return cast("ExceptionGroup[Exception]", error).split(NotOpen)[1] is None
    return isinstance(error, NotOpen)
