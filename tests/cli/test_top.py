"""What `holdfast top` shows, and what it says when there is nothing to show."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from helpers.combined import service
from helpers.peer import Manners
from helpers.sea import ALL, Sea
from helpers.servers import unused_port
from helpers.views import View, view_of
from helpers.world import World
from holdfast import Cause, Failure, Sharding
from holdfast.observe import status
from holdfast_cli.commands import holdfast
from holdfast_cli.top import asker
from holdfast_cli.top_show import render, sparkline


def screen(told, problem: str | None = None, width: int = 100, height: int | None = 30) -> list[str]:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(render(told, problem, height=height))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def three_shards():
    sea = Sea(service(*ALL[:6]), sharding=Sharding(max_streams_per_connection=2))
    sea.run(60.0)
    shard = next(iter(sea.fleet._shards._running.values()))
    sea.fleet.disconnected(next(iter(shard.connections)), Failure(Cause.RESET), sea.world.now)
    return status({"prices": View(sea.fleet, sea.world)})


def test_each_shard_has_a_line() -> None:
    lines = screen(three_shards())
    assert "\u2717 not ready: 1" in lines[0]
    assert lines[1].strip() == "prices, shard 1: waiting: connection reset"
    (first,) = [line for line in lines if line.strip().startswith("1 ")]
    (second,) = [line for line in lines if line.strip().startswith("2 ")]
    assert "\u25cb waiting" in first
    assert first.rstrip().endswith(" connection reset")
    assert "\u25cf open" in second
    assert "\u2588" in second
    assert any("disconnected after" in line for line in lines)


def test_it_fits_a_screen() -> None:
    told = three_shards()
    for width, height in ((80, 24), (120, 40), (60, 16)):
        lines = screen(told, "no answer", width, height)
        assert len(lines) <= height
        assert max(map(len, lines)) <= width


def test_what_is_old_is_called_so() -> None:
    assert "no answer: refused" in "\n".join(screen(three_shards(), "no answer: refused"))


def test_words_of_services_are_no_markup() -> None:
    world = World(manners=Manners(dial_failure=Failure(Cause.TLS, "[bold]x[/nothing]"))).start()
    world.run(1)
    assert "[bold]x[/nothing]" in "\n".join(screen(status({"[a]": view_of(world)}), width=160))


def test_bars() -> None:
    assert sparkline([]) == ""
    assert sparkline([0.0, 0.0]) == "  "
    assert sparkline([0.0, 1.0, 50.0, 100.0]) == " \u2581\u2584\u2588"


# The command


@contextmanager
def serving(code: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code if self.path == "/status" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(holdfast, ["top", *arguments])


@pytest.mark.parametrize("ending", ["", "/", "/status"])
def test_without_a_terminal_it_is_shown_once(ending: str) -> None:
    with serving(200, json.dumps(three_shards()).encode()) as url:
        result = run(url + ending)
    assert result.exit_code == 0
    assert "prices" in result.output
    assert "subscribed to" in result.output


def test_the_status_of_a_real_page() -> None:
    from holdfast_asyncio import serve_status

    async def main() -> Result:
        world = World().open()
        async with serve_status({"echo": view_of(world)}, port=0) as page:
            return await asyncio.to_thread(run, page.url)

    result = asyncio.run(main())
    assert result.exit_code == 0
    assert "echo  open" in result.output


def test_nobody_there() -> None:
    result = run(f"http://127.0.0.1:{unused_port()}/")
    assert result.exit_code == 1
    assert "/: Connection refused; does that process serve its status there?" in result.output


@pytest.mark.parametrize(
    ("code", "body", "said"),
    [
        (500, b"", "HTTP 500"),
        (200, b"<html>", "no JSON"),
        (200, b"[1]", "version None"),
        (200, b'{"version": 99}', "version 99"),
    ],
)
def test_something_else_is_there(code: int, body: bytes, said: str) -> None:
    with serving(code, body) as url:
        result = run(url)
    assert result.exit_code == 1
    assert said in result.output


@pytest.mark.parametrize("wrong", ["ftp://localhost/", "localhost:9464", "http:///x"])
def test_what_is_no_url(wrong: str) -> None:
    result = run(wrong)
    assert result.exit_code == 2
    assert "is no URL of a status page" in result.output


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:0/"])
def test_what_is_no_url_is_told(url: str) -> None:
    with pytest.raises(click.BadParameter):
        asker(url)
