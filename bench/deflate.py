"""What it costs to read messages, compressed and not: Holdfast's reader, websockets and wsproto in one run.

    python bench/deflate.py [--runs RUNS]

Messages are JSON of 300 bytes, many in each chunk of 64 KiB, compressed with context takeover. Each reader makes `str`
of them. Figures are processor nanoseconds for one message: the median of the runs, the lowest and the highest.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable
from random import Random
from statistics import median

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate as WebsocketsDeflate
from websockets.protocol import OPEN
from websockets.uri import parse_uri
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from holdfast.wire import RSV1, TEXT, Agreement, DeflatedReader, FrameReader, server_frame

SIZE = 300
COUNT = 10_000
CHUNK = 64 * 1024
LIMIT = 16 * 1024 * 1024
Read = Callable[[list[bytes], bool], int]


def trades() -> list[bytes]:
    """Messages as exchanges send them: the same keys, other numbers; all of one size."""
    random = Random(1)
    found: list[bytes] = []
    for number in range(COUNT):
        at = 1_700_000_000_000 + 37 * number
        text = (
            f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{at + 3},"s":"BTCUSDT","t":{3_000_000 + number},'
            f'"p":"{60_000 + random.random() * 100:.2f}","q":"{random.random():.5f}","b":{random.randrange(10**10)},'
            f'"a":{random.randrange(10**10)},"T":{at},"m":{random.choice(["true", "false"])},"x":"'
        )
        pad = SIZE - len(text) - 3
        found.append(f'{text}{random.getrandbits(4 * pad):0{pad}x}"}}}}'.encode())
    return found


def stream_of(messages: list[bytes], compressed: bool) -> list[bytes]:
    """The frames of a server, in chunks."""
    encoder = zlib.compressobj(wbits=-15)
    stream = b"".join(
        server_frame(TEXT | RSV1, (encoder.compress(message) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4])
        if compressed
        else server_frame(TEXT, message)
        for message in messages
    )
    return [stream[start : start + CHUNK] for start in range(0, len(stream), CHUNK)]


def holdfast(chunks: list[bytes], compressed: bool) -> int:
    reader = DeflatedReader(LIMIT, Agreement()) if compressed else FrameReader(LIMIT)
    count = 0
    for chunk in chunks:
        messages: list[str | bytes] = []
        reader.receive(chunk, messages)
        count += len(messages)
    return count


def websockets(chunks: list[bytes], compressed: bool) -> int:
    protocol = ClientProtocol(parse_uri("ws://localhost/"), state=OPEN, max_size=LIMIT)
    protocol.extensions = [WebsocketsDeflate(False, False, 15, 15)] if compressed else []
    count = 0
    for chunk in chunks:
        protocol.receive_data(chunk)
        for frame in protocol.events_received():
            frame.data.decode()  # type: ignore[union-attr]
            count += 1
    return count


def wsproto(chunks: list[bytes], compressed: bool) -> int:
    deflate = WsprotoDeflate()
    deflate.finalize("permessage-deflate")
    connection = Connection(ConnectionType.CLIENT, [deflate] if compressed else [])
    texts: list[str] = []
    count = 0
    for chunk in chunks:
        connection.receive_data(chunk)
        for event in connection.events():
            assert isinstance(event, TextMessage)
            texts.append(event.data)
            if event.message_finished:
                "".join(texts)
                texts.clear()
                count += 1
    return count


def inflating(payloads: list[bytes], _: bool) -> int:
    """zlib alone, with nothing around it: what no reader can be faster than."""
    decoder = zlib.decompressobj(-15)
    for payload in payloads:
        decoder.decompress(payload)
    return len(payloads)


def measure(read: Read, chunks: list[bytes], compressed: bool) -> float:
    begin = time.process_time_ns()
    count = read(chunks, compressed)
    spent = time.process_time_ns() - begin
    assert count == COUNT
    return spent / count


def main() -> None:
    parser = argparse.ArgumentParser(description="What it costs to read compressed messages")
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    messages = trades()
    plain, deflated = stream_of(messages, False), stream_of(messages, True)
    encoder = zlib.compressobj(wbits=-15)
    payloads = [encoder.compress(message) + encoder.flush(zlib.Z_SYNC_FLUSH) for message in messages]
    print(f"{COUNT} messages of {SIZE} bytes; {sum(map(len, deflated)) / COUNT:.0f} bytes each on the wire, compressed")
    entries: list[tuple[str, Read, list[bytes], bool]] = [
        ("Holdfast, compressed", holdfast, deflated, True),
        ("websockets, compressed", websockets, deflated, True),
        ("wsproto, compressed", wsproto, deflated, True),
        ("zlib alone", inflating, payloads, True),
        ("Holdfast, not compressed", holdfast, plain, False),
        ("websockets, not compressed", websockets, plain, False),
        ("wsproto, not compressed", wsproto, plain, False),
    ]
    figures: dict[str, list[float]] = {name: [] for name, *_ in entries}
    for _ in range(runs):  # in turn, so that a busy machine is unfair to all alike
        for name, read, chunks, compressed in entries:
            figures[name].append(measure(read, chunks, compressed))
    for name, found in figures.items():
        print(f"{name:28}{median(found):8,.0f} ({min(found):,.0f} to {max(found):,.0f}) ns")


if __name__ == "__main__":
    main()
