"""Prices, books and times that look alive, and are the same in every run: functions of a stream and a number."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import cast
from zlib import crc32

LEVELS = 10  # of a book, on each side
Level = tuple[str, str]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def price(stream: str, sequence: int) -> str:
    """It wanders up and down."""
    cents = 10_000 + crc32(stream.encode()) % 90_000 + abs(sequence % 400 - 200)
    return f"{cents // 100}.{cents % 100:02}"


def size(sequence: int) -> str:
    """Of a trade, or of what stands in a book; never none."""
    return f"{sequence % 7}.{sequence % 89 + 1:02}000000"


def change(sequence: int) -> tuple[str, Level]:
    """What the update with this number, from 1, changes in a book: `asks` or `bids`, and the level as it is then."""
    side = "asks" if sequence % 2 else "bids"
    return side, (_level_price(side, sequence // 2 % LEVELS), size(sequence))


def book(sequence: int) -> dict[str, list[Level]]:
    """`asks` and `bids`, best first, as they are after that update; 0 for before the first."""
    return {side: [_level(side, place, sequence) for place in range(LEVELS)] for side in ("asks", "bids")}


def rfc3339(wall_time: float, digits: int = 6) -> str:
    """With so many digits of a second."""
    moment = _EPOCH + timedelta(seconds=wall_time)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}"[: 20 + digits].ljust(20 + digits, "0") + "Z"


def millis(wall_time: float) -> int:
    """Unix time in milliseconds."""
    return round(wall_time * 1000)


def compact(value: object) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def object_in(request: str) -> dict[str, object] | None:
    """A request that is a JSON object; None for any other."""
    try:
        parsed: object = json.loads(request)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", parsed) if isinstance(parsed, dict) else None


def texts_in(value: object) -> list[str]:
    """The strings of a list; none for what is no list of them."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def _level_price(side: str, place: int) -> str:
    tenths = 1001 + place if side == "asks" else 1000 - place
    return f"{tenths // 10}.{tenths % 10}"


def _level(side: str, place: int, sequence: int) -> Level:
    first = place * 2 + (1 if side == "asks" else 0)  # the first change of this level; then every twentieth
    latest = sequence - (sequence - first) % (2 * LEVELS)
    return _level_price(side, place), size(latest if latest >= 1 else place)
