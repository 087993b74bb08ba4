"""The checksum of Kraken's books."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from zlib import crc32

_LEVELS_IN_CHECKSUM = 10


def book_checksum(
    asks: Iterable[tuple[Decimal | str, Decimal | str]], bids: Iterable[tuple[Decimal | str, Decimal | str]]
) -> int:
    """The `checksum` of a book: CRC-32 of its ten best levels, pairs of price and quantity, best first on both sides.

    Numbers as they were sent, with their zeros at the end: `Decimal`, or the text; a float has lost them. Cut each side
    to the depth that was asked for after every update; what falls out of it is not told.
    https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2, read 2026-11-21.
    """
    return crc32("".join(_digits(side) for side in (asks, bids)).encode())


def _digits(levels: Iterable[tuple[Decimal | str, Decimal | str]]) -> str:
    numbers = [number for level in list(levels)[:_LEVELS_IN_CHECKSUM] for number in level]
    texts = [f"{number:f}" if isinstance(number, Decimal) else number for number in numbers]
    return "".join(text.replace(".", "").lstrip("0") for text in texts)
