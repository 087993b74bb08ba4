"""What the machine costs without sockets, floor by floor, beside figures that were stored before.

    python bench/core_speed.py [--runs RUNS] [--store]

Nanoseconds of processor time a message of 300 bytes, the least of the runs, in chunks of 64 KiB. A figure that is more
than a quarter above the stored one is marked: look at it again on an idle machine, then at what changed. Before they
are compared, both are divided by what the same loop of plain Python takes on the machine at that moment, so that
another machine, or a busy one, marks nothing. `--store` writes bench/core_speed.json anew.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `bench` is

from bench.speed.messages import STREAMS, blob, frame, stream

from holdfast import FeedConfig, FeedOptions, Fleet
from holdfast.commands import Connect, Write
from holdfast.config import AnySource
from holdfast.dialects import binance
from holdfast.driver import READ_SIZE
from holdfast.wire import FrameReader, client_frame

BASELINE = Path(__file__).with_suffix(".json")
TOLERANCE = 0.25
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TAKEN_AT_ONCE = 1024  # items, as a Feed does
Work = Callable[[], int]
"""Does it, and says how many messages that were."""


def chunks_of(kind: str) -> tuple[list[bytes], int]:
    data = blob(kind)
    return [data[start : start + READ_SIZE] for start in range(0, len(data), READ_SIZE)], data.count(b"\x81\x7e")


def wire() -> Work:
    """Bytes to str, the reader alone."""
    chunks, count = chunks_of("plain")
    reader = FrameReader(1 << 20)

    def work() -> int:
        for chunk in chunks:
            reader.receive(chunk, [])
        return count

    return work


def opened(source: AnySource, options: FeedOptions) -> tuple[Fleet, int]:
    fleet = Fleet(FeedConfig.build(source, options), random=Random(1), entropy=bytes)
    fleet.start(0.0)
    connect = fleet.take_commands()[0]
    assert isinstance(connect, Connect)
    fleet.connected(connect.conn, 0.0)
    (request,) = fleet.take_commands()
    assert isinstance(request, Write)
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request.data)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
    answer = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
    fleet.received(connect.conn, answer, 0.0)
    fleet.take_items()
    return fleet, connect.conn


def feed(kind: str = "plain", source: AnySource = "ws://h/", *, backlog: int = 0, acknowledged: bytes = b"") -> Work:
    """A whole fleet: bytes to what the consumer takes. `backlog`: messages that stand in the queue all the time."""
    chunks, count = chunks_of(kind)
    fleet, conn = opened(source, {})
    now = 1.0
    if acknowledged:
        fleet.received(conn, acknowledged, now)
    if backlog:
        fleet.received(conn, b"".join([frame(b"x" * 300)] * backlog), now)

    def work() -> int:
        nonlocal now
        for chunk in chunks:
            now += 1e-4
            fleet.received(conn, chunk, now)
            fleet.take_commands()
            fleet.next_deadline()
            if backlog:
                fleet.take_items(len(chunk) // 304)
            else:
                while fleet.has_items:
                    fleet.take_run(TAKEN_AT_ONCE)
        return count

    return work


def trades(streams: int) -> Work:
    """Updates of a dialect, with so many streams wanted."""
    wanted = map(stream, range(streams))
    source = binance.spot(*wanted, endpoint="ws://h/stream")
    return feed("trades", source, acknowledged=frame(b'{"result":null,"id":1}'))


def alone() -> Work:
    """A message to a chunk: what comes at a slow pace."""
    fleet, conn = opened("ws://h/", {})
    message, now = frame(b"x" * 300), 1.0

    def work() -> int:
        nonlocal now
        for _ in range(2000):
            now += 1e-4
            fleet.received(conn, message, now)
            fleet.take_commands()
            fleet.next_deadline()
            fleet.take_run(TAKEN_AT_ONCE)
        return 2000

    return work


def framing() -> Work:
    """A message to send, masked."""
    payload = b"x" * 300

    def work() -> int:
        for _ in range(2000):
            client_frame(1, payload, b"\x93\x11\xa7\x5e")
        return 2000

    return work


def yardstick() -> Work:
    """Plain Python that is none of ours."""
    data = b"x" * READ_SIZE

    def work() -> int:
        texts: list[str] = []
        for start in range(0, READ_SIZE - 300, 304):
            texts.append(data[start : start + 300].decode())
        return len(texts)

    return work


WORKS: dict[str, Callable[[], Work]] = {
    "wire: bytes to text": wire,
    "feed: bytes to batches": feed,
    "feed, 1,000 messages queued": lambda: feed(backlog=1000),
    f"feed, Binance, {STREAMS} streams": lambda: trades(STREAMS),
    "feed, Binance, 1,000 streams": lambda: trades(1000),
    "feed, one message to a chunk": alone,
    "wire: a frame to send": framing,
}


def measure(runs: int) -> dict[str, float]:
    """In turn; the yardstick is under "yardstick"."""
    works = {"yardstick": yardstick(), **{name: make() for name, make in WORKS.items()}}
    least = dict.fromkeys(works, float("inf"))
    for _ in range(runs):
        for name, work in works.items():
            began = time.process_time_ns()
            messages = work()
            least[name] = min(least[name], (time.process_time_ns() - began) / messages)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--store", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.runs)
    if arguments.store:
        BASELINE.write_text(json.dumps({name: round(value, 1) for name, value in found.items()}, indent=2) + "\n")
    stored: dict[str, float] = json.loads(BASELINE.read_text())
    pace = found["yardstick"] / stored["yardstick"]
    print(f"{'ns a message':34}{'now':>9}{'stored':>9}{'change':>9}   (this machine now: {pace:.2f} times as slow)")
    for name in WORKS:
        change = found[name] / pace / stored[name] - 1
        mark = "   SLOWER" if change > TOLERANCE else ""
        print(f"{name:34}{found[name]:9.0f}{stored[name]:9.0f}{change:+9.0%}{mark}")


if __name__ == "__main__":
    main()
