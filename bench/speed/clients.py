"""The clients: each is a library used as its documentation has it, in one of four styles of taking messages.

A client is an async context manager that is given a URL and the seconds between pings (None: the library's default is
turned off where that is possible), and gives a Link. What a link's source is depends on its style:

`iterate`   an async iterator of messages
`batches`   an async iterator of lists of messages
`receive`   an async function that gives the next message
`callback`  a function that is given a function to call with every message
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module, util
from pathlib import Path
from typing import Any

from bench.speed.messages import STREAMS, stream

COMPILED = Path(__file__).parents[2] / ".fast"
"""Where the compiled loops of Holdfast are, once they are built: `make .fast/.ready`."""


@dataclass(frozen=True)
class Link:
    """`text_of`: what makes a text of what the source gives."""

    style: str
    source: Any
    send: Callable[[str], Awaitable[object]] | None = None
    text_of: Callable[[Any], str] | None = None


Opening = AbstractAsyncContextManager[Link]


@dataclass(frozen=True)
class Client:
    """`module`: what must be installed for it. `share`: of the messages of a throughput run, for slow ones.
    `situations`: where it takes part. `compiled`: with the compiled loops of Holdfast."""

    name: str
    distribution: str
    loop: str
    open: Callable[[str, float | None], Opening]
    situations: tuple[str, ...]
    share: float = 1.0
    compiled: bool = False

    @property
    def is_installed(self) -> bool:
        if self.compiled and not COMPILED.is_dir():
            return False
        return util.find_spec(self.distribution.replace("-", "_")) is not None

    @property
    def is_holdfast(self) -> bool:
        return self.distribution == "holdfast"


@asynccontextmanager
async def websockets(url: str, ping: float | None) -> AsyncIterator[Link]:
    from websockets.asyncio.client import connect

    async with connect(url, compression=None, proxy=None, ping_interval=ping, ping_timeout=ping) as connection:
        yield Link("iterate", connection, connection.send)


@asynccontextmanager
async def websockets_trio(url: str, ping: float | None) -> AsyncIterator[Link]:
    from websockets.trio.client import connect

    async with connect(url, compression=None, proxy=None, ping_interval=ping, ping_timeout=ping) as connection:
        yield Link("iterate", connection, connection.send)


@asynccontextmanager
async def picows_websockets(url: str, ping: float | None) -> AsyncIterator[Link]:
    from picows.websockets.asyncio.client import connect

    async with connect(url, compression=None, proxy=None, ping_interval=ping, ping_timeout=ping) as connection:
        yield Link("receive", connection.recv, connection.send)


@asynccontextmanager
async def picows(url: str, ping: float | None) -> AsyncIterator[Link]:
    import logging

    from picows import WSAutoPingStrategy, WSListener, WSMsgType, ws_connect

    logging.getLogger("picows").setLevel(logging.ERROR)
    take: Callable[[str], object] = lambda _: None  # noqa: E731  # until there is one
    text = WSMsgType.TEXT

    class Listener(WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type == text:
                take(frame.get_payload_as_utf8_text())

    def start(function: Callable[[str], object]) -> None:
        nonlocal take
        take = function

    options: dict[str, Any] = {}
    if ping is not None:
        options = {
            "enable_auto_ping": True,
            "auto_ping_idle_timeout": ping,
            "auto_ping_reply_timeout": ping,
            "auto_ping_strategy": WSAutoPingStrategy.PING_PERIODICALLY,
        }
    transport, _ = await ws_connect(Listener, url, **options)

    async def send(message: str) -> None:
        transport.send(text, message.encode())

    yield Link("callback", start, send)


@cache
def _session() -> Any:
    """One for all connections, as its documentation wants it."""
    import aiohttp

    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


@asynccontextmanager
async def aiohttp(url: str, ping: float | None) -> AsyncIterator[Link]:
    async with _session().ws_connect(url, compress=0, heartbeat=ping) as connection:
        yield Link("receive", connection.receive, connection.send_str, lambda message: message.data)


@asynccontextmanager
async def trio_websocket(url: str, ping: float | None) -> AsyncIterator[Link]:
    from trio_websocket import open_websocket_url

    async with open_websocket_url(url) as connection:
        yield Link("receive", connection.get_message, connection.send_message)


def holdfast(loop: str, style: str) -> Callable[[str, float | None], Opening]:
    """As it is installed: keepalive, deadlines, statistics, bounded queue, all on."""

    @asynccontextmanager
    async def opened(url: str, ping: float | None) -> AsyncIterator[Link]:
        from holdfast import Keepalive

        options: dict[str, Any] = {"keepalive": Keepalive(ping, ping)} if ping is not None else {}
        source: Any = url
        if url.endswith("/stream"):
            from holdfast.dialects import binance

            source = binance.spot(*map(stream, range(STREAMS)), endpoint=url)
        async with open_feed_of(loop)(source, **options) as feed:
            if style == "typed":
                yield Link("iterate", feed, feed.send, lambda update: update.typed())
            else:
                yield Link(style, feed.batches() if style == "batches" else feed, feed.send)

    return opened


def open_feed_of(loop: str) -> Callable[..., AbstractAsyncContextManager[Any]]:
    open_feed: Callable[..., AbstractAsyncContextManager[Any]] = import_module(f"holdfast_{loop}").open_feed
    return open_feed


_ALL = ("throughput", "latency", "send", "import", "scale")
_OF_A_LOOP = ("throughput", "latency", "send")

CLIENTS = {
    client.name: client
    for client in (
        Client("websockets", "websockets", "asyncio", websockets, _ALL, 0.4),
        Client("websockets.trio", "websockets", "trio", websockets_trio, _OF_A_LOOP, 0.1),
        Client("picows.websockets", "picows", "asyncio", picows_websockets, _ALL),
        Client("picows, callback", "picows", "asyncio", picows, _ALL),
        Client("aiohttp", "aiohttp", "asyncio", aiohttp, _ALL),
        Client("trio-websocket", "trio-websocket", "trio", trio_websocket, _OF_A_LOOP, 0.05),
        Client("Holdfast, asyncio", "holdfast", "asyncio", holdfast("asyncio", "iterate"), (*_ALL, "trades")),
        Client(
            "Holdfast, asyncio, batches",
            "holdfast",
            "asyncio",
            holdfast("asyncio", "batches"),
            ("throughput", "trades"),
        ),
        Client("Holdfast, asyncio, typed()", "holdfast", "asyncio", holdfast("asyncio", "typed"), ("trades",), 0.3),
        Client(
            "Holdfast, asyncio, compiled",
            "holdfast",
            "asyncio",
            holdfast("asyncio", "iterate"),
            (*_OF_A_LOOP, "trades"),
            compiled=True,
        ),
        Client(
            "Holdfast, asyncio, batches, compiled",
            "holdfast",
            "asyncio",
            holdfast("asyncio", "batches"),
            ("throughput", "trades"),
            compiled=True,
        ),
        Client("Holdfast, trio", "holdfast", "trio", holdfast("trio", "iterate"), (*_OF_A_LOOP, "scale", "trades")),
        Client("Holdfast, trio, batches", "holdfast", "trio", holdfast("trio", "batches"), ("throughput",)),
        Client(
            "Holdfast, trio, batches, compiled",
            "holdfast",
            "trio",
            holdfast("trio", "batches"),
            ("throughput",),
            compiled=True,
        ),
    )
}
