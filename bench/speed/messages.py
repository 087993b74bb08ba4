"""What the server of these runs sends. Texts are made once, so that sending them costs it nothing more."""

from __future__ import annotations

import json
from random import Random
from struct import pack

SIZE = 300  # characters of a message, and of what is sent
STAMP = 20  # digits of the time at the beginning of a stamped one, nanoseconds of the machine's monotonic clock
STREAMS = 20  # of the exchange
BLOB = 1 << 20  # bytes that the flood sends at once


def frame(payload: bytes, first: int = 0x81) -> bytes:
    """As a server sends it, shorter than 64 KiB."""
    size = len(payload)
    return (pack("!BB", first, size) if size < 126 else pack("!BBH", first, 126, size)) + payload


def stamped(nanoseconds: int) -> bytes:
    """A frame that tells when it was sent."""
    return frame(f"{nanoseconds:0{STAMP}d} ".ljust(SIZE, "x").encode())


def stamp_of(text: str) -> int:
    return int(text[:STAMP])


def plain(number: int) -> str:
    """JSON of SIZE characters."""
    start = f'{{"number":{number},"filling":"'
    return start + "".join(Random(number).choices("0123456789abcdef", k=SIZE - len(start) - 2)) + '"}'


def stream(number: int) -> str:
    return f"c{number}usdt@trade"


def trade(number: int) -> str:
    """A trade of Binance's combined streams, as documented; of about 170 characters, and filled up to SIZE."""
    name = stream(number % STREAMS)
    payload = {
        "e": "trade",
        "E": 1_700_000_000_000 + number,
        "s": name.partition("@")[0].upper(),
        "t": number,
        "p": f"{20_000 + number % 977}.01000000",
        "q": "0.00118000",
        "T": 1_700_000_000_000 + number,
        "m": number % 2 == 0,
        "M": True,
    }
    text = json.dumps({"stream": name, "data": payload}, separators=(",", ":"))
    payload["filling"] = "x" * (SIZE - len(text) - len(',"filling":""'))
    return json.dumps({"stream": name, "data": payload}, separators=(",", ":"))


def blob(kind: str) -> bytes:
    """BLOB bytes or a little more, whole frames."""
    make = {"plain": plain, "trades": trade}[kind]
    frames: list[bytes] = []
    size = 0
    while size < BLOB:
        frames.append(frame(make(len(frames)).encode()))
        size += len(frames[-1])
    return b"".join(frames)
