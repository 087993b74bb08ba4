"""`holdfast top`: the feeds of another process, live in the terminal."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, NoReturn, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import click
from rich.console import Console
from rich.live import Live

from holdfast.observe import VERSION
from holdfast_cli.exits import Exit, fail
from holdfast_cli.top_show import Status, render

_URL = "http://127.0.0.1:9464/"
_TIMEOUT = 5.0  # seconds
_MAX_SIZE = 32 * 1024 * 1024  # bytes of an answer: a status of thousands of shards is smaller


class NoStatus(Exception):
    """There is none to be had, and why."""


@click.command()
@click.argument("url", default=_URL, metavar="[URL]")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600.0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Ask so often.",
)
@click.option("--once", is_flag=True, help="Show it once and end, as without a terminal.")
def top(url: str, interval: float, once: bool) -> None:
    """Show the feeds of the process whose status page is at URL (http://127.0.0.1:9464/ if none is given).

    That is what `serve_status` and `holdfast run` serve: each shard with its state, the age of its data, its rate,
    what it lost, and the latest events. Ends with Ctrl-C.
    """
    ask = asker(url)
    console = Console()
    try:
        first = ask()
    except NoStatus as error:
        fail(f"{url}: {error}", Exit.BROKEN)
    if once or not console.is_terminal or console.is_dumb_terminal:
        console.print(render(first, None, height=None))
        return
    signal.signal(signal.SIGTERM, _terminated)
    _watch(ask, first, console, interval)


def _terminated(_number: int, _frame: object) -> NoReturn:
    """So that the terminal is left as it was."""
    raise click.exceptions.Exit(Exit.TERMINATED)


def asker(url: str) -> Callable[[], Status]:
    """A function that asks for the status, and raises NoStatus. Raises click.BadParameter for what is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise click.BadParameter(f"{url!r} does not parse: {error}", param_hint="URL") from None
    if port == 0:
        raise click.BadParameter(f"{url!r} has port 0, at which nobody listens", param_hint="URL")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(f"{url!r} is no URL of a status page, such as {_URL}", param_hint="URL")
    # A page on this machine is not behind a proxy, whatever the environment says.
    opener = build_opener(ProxyHandler({})) if parts.hostname in ("localhost", "127.0.0.1", "::1") else build_opener()
    target = url if parts.path.endswith("/status") else url.rstrip("/") + "/status"

    def ask() -> Status:
        try:
            with opener.open(target, timeout=_TIMEOUT) as answer:
                status: Any = json.loads(answer.read(_MAX_SIZE))
        except HTTPError as error:
            raise NoStatus(f"HTTP {error.code} {error.reason}: is that a status page of Holdfast?") from None
        except (OSError, HTTPException) as error:
            reason: object = error.reason if isinstance(error, URLError) else error
            why = reason.strerror if isinstance(reason, OSError) and reason.strerror else reason
            raise NoStatus(f"{why}; does that process serve its status there?") from None
        except ValueError:
            raise NoStatus("no JSON: is that a status page of Holdfast?") from None
        told = cast("Status", status) if isinstance(status, dict) else {}
        version = told.get("version")
        if version != VERSION:
            raise NoStatus(f"a status of version {version}, and this is for version {VERSION}: use the same Holdfast")
        return told

    return ask


def _watch(ask: Callable[[], Status], status: Status, console: Console, interval: float) -> None:
    problem: str | None = None
    with Live(console=console, auto_refresh=False, screen=True, vertical_overflow="crop") as live:
        while True:
            live.update(render(status, problem, height=console.height), refresh=True)
            time.sleep(interval)
            try:
                status, problem = ask(), None
            except NoStatus as error:
                problem = f"no answer: {error} What stands below is old."
