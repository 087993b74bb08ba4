"""An order book that is that of the exchange, or known not to be: through cuts, rotations and lost messages.

python examples/order_book.py binance btcusdt
python examples/order_book.py kraken BTC/USD
"""

import asyncio
import json
import sys
from collections.abc import Iterable
from decimal import Decimal
from http.client import HTTPSConnection
from typing import Any

from holdfast import Disconnected, Event, Gap, Message, Resync, Resynced, Rotated, Unsubscribed, Update
from holdfast.dialects import binance, kraken
from holdfast.dialects.models import DepthUpdate
from holdfast_asyncio import open_feed

Levels = Iterable[tuple[Decimal, Decimal]]


class Book:
    """Sizes by price. Use it only while it is `known`."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}
        self.known = False

    def take(self, item: Message | Event) -> bool:
        """An item of the feed. Returns whether a new snapshot has to be asked for."""
        if isinstance(item, Gap) and item.stream in (None, self.stream):
            self.known = False
        elif isinstance(item, Resynced) and item.stream == self.stream:
            self.load(item.snapshot)
        elif isinstance(item, Update) and item.stream == self.stream:
            for depth in item.typed():
                if isinstance(depth, DepthUpdate) and not self.follow(depth):
                    self.known = False
                    return True
        return False

    def load(self, snapshot: Any) -> None:
        raise NotImplementedError

    def follow(self, depth: DepthUpdate) -> bool:
        """Returns whether it fits what is known."""
        raise NotImplementedError

    def change(self, bids: Levels, asks: Levels) -> None:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)

    def best(self, count: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Bids and asks, the best first."""
        return sorted(self.bids.items(), reverse=True)[:count], sorted(self.asks.items())[:count]


class BinanceBook(Book):
    """By "How to manage a local order book correctly" in Binance's documents: a snapshot, and the changes behind it."""

    last = 0  # update that is in the book

    def load(self, snapshot: Any) -> None:
        self.bids, self.asks, self.last, self.known = {}, {}, snapshot["lastUpdateId"], True
        self.change(*([(Decimal(at), Decimal(size)) for at, size in snapshot[side]] for side in ("bids", "asks")))

    def follow(self, depth: DepthUpdate) -> bool:
        assert depth.first_id is not None
        assert depth.last_id is not None
        if not self.known or depth.last_id <= self.last:
            return True  # it is in the snapshot, or will be in the next
        if depth.first_id > self.last + 1:
            return False  # the snapshot is too old, or something was left out
        self.change(depth.bids, depth.asks)
        self.last = depth.last_id
        return True


class KrakenBook(Book):
    """Kraken sends the snapshot itself, whenever the stream is subscribed to, and a checksum with every change."""

    depth = 10

    def follow(self, depth: DepthUpdate) -> bool:
        if depth.snapshot:
            self.bids, self.asks, self.known = {}, {}, True
        if not self.known:
            return True
        self.change(depth.bids, depth.asks)
        bids, asks = self.best(self.depth)
        self.bids, self.asks = dict(bids), dict(asks)
        return kraken.book_checksum(asks, bids) == depth.checksum


async def fetch(stream: str, _gap: Gap | None) -> Any:
    """Whatever goes wrong here is tried again."""

    def ask() -> Any:
        connection = HTTPSConnection("api.binance.com", timeout=5)
        connection.request("GET", f"/api/v3/depth?symbol={stream.partition('@')[0].upper()}&limit=1000")
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status}")
        return json.load(answer)

    return await asyncio.to_thread(ask)


async def keep_binance(symbol: str) -> None:
    book = BinanceBook(f"{symbol}@depth@100ms")
    async with open_feed(binance.spot(book.stream), resync=Resync(fetch)) as feed:
        async for item in feed.items():
            if book.take(item):
                feed.resync(book.stream)
            show(book)


async def keep_kraken(symbol: str) -> None:
    book = KrakenBook(f"book-10:{symbol}")
    async with open_feed(kraken.v2(book.stream)) as feed:
        async for item in feed.items():
            if book.take(item):
                feed.unsubscribe(book.stream)
            elif isinstance(item, Unsubscribed | Disconnected | Rotated):
                feed.subscribe(book.stream)  # for its snapshot
            show(book)


def show(book: Book) -> None:
    bids, asks = book.best(1)
    print(*(f"{size} at {at}" for at, size in (*bids, *asks)) if book.known else "?", flush=True)


if __name__ == "__main__":
    service, symbol = sys.argv[1:]
    keep = {"binance": keep_binance, "kraken": keep_kraken}[service]
    asyncio.run(keep(symbol))
