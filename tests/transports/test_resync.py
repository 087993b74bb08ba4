"""The function of Resync in an event loop: it may await whatever it likes, and nothing of it is left behind."""

from __future__ import annotations

import json
from typing import Any

from websockets.asyncio.server import ServerConnection

from helpers.backends import Backend
from helpers.servers import WebSocketServer
from holdfast import Backoff, Cause, Gap, Resync, Resynced, ResyncFailed, Service, Update
from holdfast.dialects.json_dialect import JsonDialect
from holdfast.dialects.words import Acknowledged

QUICK = Backoff(initial=0.001, maximum=0.01)


def _read(message: Any) -> Any:
    return Acknowledged(message["ok"]) if "ok" in message else message.get("stream")


DIALECT = JsonDialect(
    subscribe=lambda streams, number: {"ask": list(streams), "id": number},
    unsubscribe=lambda streams, number: {"drop": list(streams), "id": number},
    read=_read,
)


async def count(connection: ServerConnection, numbers: range) -> None:
    asked = json.loads(await connection.recv())
    await connection.send(json.dumps({"ok": asked["id"]}))
    for number in numbers:
        await connection.send(json.dumps({"stream": "book", "n": number}))


async def first(connection: ServerConnection) -> None:
    await count(connection, range(3))


async def second(connection: ServerConnection) -> None:
    await count(connection, range(10, 13))
    await connection.wait_closed()


def told(item: object) -> str | None:
    if isinstance(item, Update):
        return str(item.json()["n"])
    if isinstance(item, Resynced):
        return f"snapshot {item.snapshot}"
    return "gap" if isinstance(item, Gap) else "failed" if isinstance(item, ResyncFailed) else None


def test_snapshots_stand_where_they_belong(backend: Backend) -> None:
    calls: list[Gap | None] = []

    async def fetch(stream: str, gap: Gap | None) -> str:
        assert stream == "book"
        calls.append(gap)
        await backend.sleep(0.001)
        if len(calls) == 1:
            raise OSError("HTTP 503")
        return "first" if gap is None else "second"

    with WebSocketServer(first, second) as server:

        async def test() -> None:
            service = Service(DIALECT, server.url, ("book",))
            seen: list[str] = []
            async with backend.open_feed(service, backoff=QUICK, resync=Resync(fetch)) as feed:
                async for item in feed.items():
                    if isinstance(item, ResyncFailed):
                        assert item.failure.cause is Cause.RESYNC
                    if (line := told(item)) is not None:
                        seen.append(line)
                    if line == "12":
                        break
                feed.resync("book")
                async for item in feed.items():
                    if isinstance(item, Resynced):
                        break
            # The connection ends at once, perhaps before the first snapshot was there.
            assert seen[0] == "failed" or seen[:2] == ["gap", "failed"]
            at = seen.index("snapshot second")
            assert "gap" in seen[:at]
            assert seen[-3:] == ["10", "11", "12"]
            numbers = [one for one in seen if one.isdigit()]
            assert numbers == ["0", "1", "2", "10", "11", "12"]
            assert seen.index("0") > min(seen.index(one) for one in seen if one.startswith("snapshot"))

        backend.run(test)


def test_leaving_ends_it(backend: Backend) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def fetch(stream: str, gap: Gap | None) -> None:
        begun.append(stream)
        try:
            await backend.sleep(3600.0)
        finally:
            ended.append(stream)

    with WebSocketServer(second) as server:

        async def test() -> None:
            service = Service(DIALECT, server.url, ("book",))
            async with backend.open_feed(service, resync=Resync(fetch)):
                await backend.until(lambda: bool(begun))
            assert ended == ["book"]

        backend.run(test)
