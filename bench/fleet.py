"""What a message costs by the number of shards: from bytes to items, with all that a driver asks of the machine.

    python bench/fleet.py [SHARDS ...] [--messages MESSAGES] [--runs RUNS]

Every shard has one connection, open and subscribed to one stream of a simulated Binance's. Chunks of one message each,
and of sixteen, arrive in turn on all connections; after each the driver's steps 2 to 4 are taken. Nanoseconds of
processor time a message, the least of the runs; and how often a message moves the timer.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import struct
import sys
import time
from base64 import b64encode
from hashlib import sha1

from holdfast import FeedConfig, Fleet
from holdfast.commands import Connect, Write
from holdfast.dialects import binance

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(text: str) -> bytes:
    """As a server sends it."""
    data = text.encode()
    head = bytes((0x81, len(data))) if len(data) < 126 else b"\x81\x7e" + struct.pack("!H", len(data))
    return head + data


def message(stream: str, number: int) -> bytes:
    """A trade, of 200 bytes or so."""
    data = {"e": "trade", "E": 1779000000000 + number, "s": "BTCUSDT", "t": number, "p": "64123.45000000"}
    data |= {"q": "0.00112000", "T": 1779000000000 + number, "m": True, "M": True, "pad": "x" * 60}
    return frame(json.dumps({"stream": stream, "data": data}, separators=(",", ":")))


class Bench:
    """A fleet that is open, and the streams of its connections."""

    def __init__(self, shards: int) -> None:
        self.streams: dict[int, str] = {}
        names = [f"symbol{number}usdt@trade" for number in range(shards)]
        options = {"dial_window": _window()}
        if shards > 1:
            options |= _sharding()
        config = FeedConfig.build(binance.spot(*names, endpoint="ws://example.com/stream"), options)  # type: ignore[arg-type]
        self.fleet = Fleet(config, random=random.Random(1), entropy=os.urandom)
        self.fleet.start(0.0)
        self.now = 0.0
        self.settle()

    def settle(self) -> None:
        """What a driver does, with a peer that answers at once."""
        while commands := self.fleet.take_commands():
            for command in commands:
                if isinstance(command, Connect):
                    self.fleet.connected(command.conn, self.now)
                elif isinstance(command, Write):
                    self.answer(command.conn, command.data)

    def answer(self, conn: int, data: bytes) -> None:
        """The handshake, and the request for streams."""
        if data.startswith(b"GET"):
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", data, re.IGNORECASE)
            assert key is not None
            accept = b64encode(sha1(key.group(1) + _GUID).digest()).decode()
            head = (
                f"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            self.fleet.received(conn, head.encode(), self.now)
            return
        length = data[1] & 127
        start = {126: 4, 127: 10}.get(length, 2)
        mask, masked = data[start : start + 4], data[start + 4 :]
        text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
        request = json.loads(text)
        self.streams[conn] = request["params"][0]
        self.fleet.received(conn, frame(json.dumps({"result": None, "id": request["id"]})), self.now)

    def run(self, messages: int, together: int) -> float:
        """Nanoseconds a message."""
        chunks = [(conn, message(stream, 1) * together) for conn, stream in self.streams.items()]
        fleet, step = self.fleet, 1e-6
        fleet.take_items()
        began = time.process_time()
        for _ in range(max(1, messages // (len(chunks) * together))):
            for conn, chunk in chunks:
                self.now += step
                fleet.received(conn, chunk, self.now)
                fleet.take_commands()
                fleet.next_deadline()
                if fleet.has_items:
                    fleet.take_items(1024)
        took = time.process_time() - began
        return took * 1e9 / (max(1, messages // (len(chunks) * together)) * len(chunks) * together)

    def moves(self, messages: int = 2000) -> float:
        """How often the deadline moved, a message of those that come ten thousand a second."""
        deadline, moves = self.fleet.next_deadline(), 0
        chunks = [(conn, message(stream, 1)) for conn, stream in self.streams.items()]
        for number in range(messages):
            self.now += 1e-4
            self.fleet.received(*chunks[number % len(chunks)], self.now)
            self.fleet.take_items()
            moves += self.fleet.next_deadline() != deadline
            deadline = self.fleet.next_deadline()
        return moves / messages


def _window() -> object:
    from holdfast import DialWindow

    return DialWindow(100_000, 1.0)


def _sharding() -> dict[str, object]:
    from holdfast import Sharding

    return {"sharding": Sharding(max_streams_per_connection=1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", nargs="*", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--messages", type=int, default=64_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    sys.stdout.write("shards   1 message a chunk   16 messages a chunk   timer moved\n")
    for shards in given.shards:
        bench = Bench(shards)
        assert len(bench.streams) == shards
        one, many = (min(bench.run(given.messages, together) for _ in range(given.runs)) for together in (1, 16))
        sys.stdout.write(f"{shards:6} {one:16.0f} ns {many:18.0f} ns {bench.moves():14.4f}\n")


if __name__ == "__main__":
    main()
