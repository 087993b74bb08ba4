"""A server that misbehaves by a `Script`, in a process of its own: `python -m bench.peers.server SCRIPT`.

It prints its port, serves until its standard input ends, and then prints its ledger as JSON. Times are seconds of
CLOCK_MONOTONIC, which all processes of a machine share. It is written on wsproto, so that it is none of those compared.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

from bench.peers.messages import SUBSCRIBE, make
from bench.peers.script import Ending, Script
from wsproto import ConnectionType, WSConnection
from wsproto import events as ws
from wsproto.connection import ConnectionState
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

FLUSH_EVERY = 0.005  # seconds
NO_LINGER = struct.pack("ii", 1, 0)  # makes close() an RST


@dataclass
class Record:
    """One connection, as the server saw it. `said` is the client's close frame, if one came first."""

    accepted: float
    opened: float | None = None
    asked: int = 0  # how often it subscribed
    pings: int = 0
    first: int | None = None  # numbers of messages
    last: int | None = None
    ended: float | None = None
    said: str | None = None


class Market:
    """What is published when. Numbers count from 1, without holes."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._opened = time.monotonic()

    @property
    def published(self) -> int:
        return int((time.monotonic() - self._opened) * self._rate)


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._script = server.script
        self._ending = server.next_ending()
        self._ws = WSConnection(ConnectionType.SERVER)
        self._loop = asyncio.get_running_loop()
        self._next: int | None = None  # the number to be sent next, once it was asked for
        self._owed = 0  # pongs
        self.record = Record(time.monotonic())
        server.records.append(self.record)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Whatever the client does not take waits in it, without a bound: this server never loses patience.
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._handle(event)
        except (LocalProtocolError, RemoteProtocolError):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.record.ended = time.monotonic()
        self._server.connections.discard(self)

    def flush(self) -> None:
        """Send what was published since."""
        if self._next is None or self._ws.state is not ConnectionState.OPEN or self._transport.is_closing():
            return
        record, published = self.record, self._server.market.published
        for number in range(self._next, published + 1):
            self._send(ws.TextMessage(make(number, self._script.size, owes_pong=self._owed > 0)))
            record.first = record.first or number
            record.last = number
        self._next = published + 1

    def _handle(self, event: ws.Event) -> None:
        if isinstance(event, ws.Request):
            self._answer()
        elif isinstance(event, ws.TextMessage) and event.data == SUBSCRIBE:
            self.record.asked += 1
            self._next = self._server.market.published + 1
        elif isinstance(event, ws.Ping):
            self.record.pings += 1
            self._owed += 1
            self._loop.call_later(self._script.pong_delay, self._pong, event)
        elif isinstance(event, ws.CloseConnection):
            self.record.said = self.record.said or f"{event.code} {event.reason or ''}".strip()
            if self._ws.state is ConnectionState.REMOTE_CLOSING:
                self._send(event.response())
            self._transport.close()  # behind all that waits to be sent

    def _answer(self) -> None:
        ending = self._ending
        if ending.way == "refuse":
            headers = [(name.encode(), value.encode()) for name, value in ending.headers]
            self._send(ws.RejectConnection(status_code=ending.code, headers=[*headers, (b"Content-Length", b"0")]))
            self._transport.close()
            return
        self._send(ws.AcceptConnection())
        self.record.opened = time.monotonic()
        if ending.way != "stay":
            self._loop.call_later(ending.after, self._end, ending)

    def _pong(self, ping: ws.Ping) -> None:
        self._owed -= 1
        if self._ws.state is ConnectionState.OPEN:
            self._send(ping.response())

    def _end(self, ending: Ending) -> None:
        self.flush()
        if self._transport.is_closing():
            return
        if ending.way == "close":
            self._send(ws.CloseConnection(ending.code))  # then the client's answer is waited for
        elif ending.way == "eof":
            self._transport.close()
        else:
            sock = cast(socket.socket, self._transport.get_extra_info("socket"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            self._transport.abort()

    def _send(self, event: ws.Event) -> None:
        data = self._ws.send(event)
        if not self._transport.is_closing():  # broken, perhaps, a moment ago
            self._transport.write(data)


class Server:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.market = Market(script.rate)
        self.records: list[Record] = []
        self.connections: set[Connection] = set()

    def next_ending(self) -> Ending:
        endings = self.script.endings
        return endings[min(len(self.records), len(endings) - 1)]

    def ledger(self) -> str:
        return json.dumps(
            {"published": self.market.published, "connections": [asdict(record) for record in self.records]}
        )

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=4096)
        print(listener.sockets[0].getsockname()[1], flush=True)
        told_to_stop = loop.run_in_executor(None, sys.stdin.read)
        while not told_to_stop.done():
            for connection in list(self.connections):
                connection.flush()
            await asyncio.sleep(FLUSH_EVERY)
        print(self.ledger(), flush=True)


if __name__ == "__main__":
    asyncio.run(Server(Script.load(sys.argv[1])).serve())
