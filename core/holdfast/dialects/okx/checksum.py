"""The checksum that OKX's books had."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import zip_longest
from zlib import crc32

_LEVELS = 25
_SIGN = 1 << 31


def book_checksum(
    asks: Iterable[tuple[Decimal | str, Decimal | str]], bids: Iterable[tuple[Decimal | str, Decimal | str]]
) -> int:
    """The `checksum` of a book: CRC-32 as a signed number, of `price:size` of the 25 best levels, a bid and an ask by
    turns, best first; where one side has fewer, the other goes on alone. Numbers as they were sent.

    For records and for relays: since 2026-06-23 OKX sends 0 with every book, and only `prevSeqId` proves it.
    https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel, read 2026-11-21.
    """
    pairs = zip_longest(list(bids)[:_LEVELS], list(asks)[:_LEVELS])
    texts = [_text(number) for pair in pairs for level in pair if level is not None for number in level]
    return (crc32(":".join(texts).encode()) ^ _SIGN) - _SIGN


def _text(number: Decimal | str) -> str:
    return f"{number:f}" if isinstance(number, Decimal) else number
