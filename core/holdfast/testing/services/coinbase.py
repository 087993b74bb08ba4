"""A simulated Coinbase Advanced Trade: public market data.

As documented at https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/, read 2026-11-21, and as
clients observed it in 2026. Streams have the names of `holdfast.dialects.coinbase`. An acknowledgement lists all that
the connection has, after the snapshots of what is new; products that do not exist are missing in it, without a word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from typing import Any

from holdfast.testing.ledger import Publication
from holdfast.testing.rules import Rules
from holdfast.testing.service import Client, Service
from holdfast.testing.services.figures import book, change, compact, object_in, price, rfc3339, size, texts_in

_CHANNELS = ("market_trades", "ticker", "ticker_batch", "level2", "candles", "status")
_HEARTBEATS = "heartbeats"
_MESSAGES_PER_SECOND = 8  # from an address, whatever the connection; what follows is not documented
_MOST_BOOKS = 30  # on a connection; undocumented: clients were given 30, and refused 32
_FIRST_TRADE = 1000  # so that there are trades before the first that is published
_RECENT_TRADES = 5
_HEARTBEATS_FROM = 1_700_000_000.0
_NUMBER = '"sequence_num":0'


class Coinbase(Service):
    """`products`: those that exist, such as `BTC-USD`; None for all that look like one."""

    rules = Rules(
        heartbeat=1.0,
        subscribe_within=5.0,
        dial_limit=(8, 1.0, None),
        # Channels close "within 60-90 seconds if no updates are sent"; here the connection does.
        idle=(60.0, 1000, "no updates"),
    )

    def __init__(self, products: Collection[str] | None = None) -> None:
        self._products = products
        self._requests: deque[float] = deque()  # of all connections: all clients have one address here

    def asked_by(self, target: str) -> Collection[str] | None:
        return [] if target.partition("?")[0] == "/" else None

    def answer(self, request: str, client: Client) -> list[str]:
        client.requests = self._requests
        if client.is_one_too_many(_MESSAGES_PER_SECOND, 1.0):
            client.ending = (1008, "rate limit exceeded")
            return [_error("rate limit exceeded")]
        asked = object_in(request)
        if asked is None:
            return [_error("failed to parse the request")]
        kind, channel = asked.get("type"), asked.get("channel")
        if kind not in ("subscribe", "unsubscribe"):
            return [_error("unknown type")]
        if not isinstance(channel, str) or channel not in (*_CHANNELS, _HEARTBEATS):
            return [_error("authentication failure")]  # so it is told, whatever was wrong
        products = [name for name in dict.fromkeys(texts_in(asked.get("product_ids"))) if self._exists(name)]
        if kind == "unsubscribe":
            return [*self._dropped(channel, products, "product_ids" in asked, client)]
        return [*self._added(channel, products, client)]

    def message(self, publication: Publication, wall_time: float) -> str:
        return _written(publication.stream.partition(":")[0], [_event(publication, wall_time, "update")], wall_time)

    def heartbeat(self, number: int) -> str:
        now = rfc3339(_HEARTBEATS_FROM + number, 9)
        told = f"{now[:10]} {now[11:-1]} +0000 UTC m=+{number}.000000000"
        return _message(_HEARTBEATS, now, [{"current_time": told, "heartbeat_counter": number}])

    def has_heartbeats(self, client: Client) -> bool:
        return _HEARTBEATS in client.streams

    def numbered(self, text: str, number: int) -> str:
        return text.replace(_NUMBER, f'"sequence_num":{number}', 1)

    def counts(self, text: str) -> bool:
        """Errors have no number."""
        return _NUMBER in text

    # Inside

    def _exists(self, product: str) -> bool:
        looks_right = "-" in product and product == product.upper()
        return looks_right if self._products is None else product in self._products

    def _added(self, channel: str, products: list[str], client: Client) -> Iterator[str]:
        streams = [_HEARTBEATS] if channel == _HEARTBEATS else [f"{channel}:{product}" for product in products]
        books = [name for name in {*client.streams, *streams} if name.startswith("level2:")]
        if len(books) > _MOST_BOOKS:
            yield _error("too many L2 streams requested in a single session")
            return
        fresh = [name for name in streams if name not in client.streams and name != _HEARTBEATS]
        client.streams.update(streams)
        events = [_event(_latest(stream, client), client.wall_time, "snapshot") for stream in fresh]
        # Books come together, other channels product by product.
        for together in [events] if channel == "level2" and events else [[event] for event in events]:
            yield _written(channel, together, client.wall_time)
        yield _listed(client)

    def _dropped(self, channel: str, products: list[str], told: bool, client: Client) -> Iterator[str]:
        """Without products, the whole channel."""
        for stream in sorted(client.streams):
            name, _, product = stream.partition(":")
            if name == channel and (product in products or not told):
                client.streams.discard(stream)
        yield _listed(client)


def _latest(stream: str, client: Client) -> Publication:
    return client.latest(stream) or Publication(stream, 0, 0.0)


def _listed(client: Client) -> str:
    subscriptions: dict[str, list[str]] = {}
    for stream in sorted(client.streams):
        channel, _, product = stream.partition(":")
        subscriptions.setdefault(channel, []).append(product or channel)
    return _message("subscriptions", rfc3339(client.wall_time, 9), [{"subscriptions": subscriptions}])


def _written(channel: str, events: list[dict[str, Any]], wall_time: float) -> str:
    return _message("l2_data" if channel == "level2" else channel, rfc3339(wall_time, 9), events)


def _message(channel: str, timestamp: str, events: list[dict[str, Any]]) -> str:
    """`_NUMBER` stands in the place of its number."""
    return compact({"channel": channel, "timestamp": timestamp, "sequence_num": 0, "events": events})


def _error(reason: str) -> str:
    return compact({"type": "error", "message": reason})


def _event(publication: Publication, wall_time: float, kind: str) -> dict[str, Any]:
    channel, _, product = publication.stream.partition(":")
    return {"type": kind, **_EVENTS[channel](product, publication, wall_time, kind)}


def _trades(product: str, publication: Publication, wall_time: float, kind: str) -> dict[str, Any]:
    """A snapshot has the latest ones, newest first."""
    count = 1 if kind == "update" else min(_RECENT_TRADES, publication.sequence + 1)
    return {"trades": [_trade(product, publication, publication.sequence - back, wall_time) for back in range(count)]}


def _trade(product: str, publication: Publication, sequence: int, wall_time: float) -> dict[str, str]:
    told = {"product_id": product, "trade_id": str(_FIRST_TRADE + sequence)}
    figures = {"price": price(publication.stream, sequence), "size": size(sequence)}
    return {**told, **figures, "time": rfc3339(wall_time), "side": ("BUY", "SELL")[sequence % 2]}


def _ticker(product: str, publication: Publication, _: float, __: str) -> dict[str, Any]:
    at = price(publication.stream, publication.sequence)
    told = {"type": "ticker", "product_id": product, "price": at, "volume_24_h": str(16000 + publication.sequence)}
    day = {"low_24_h": at, "high_24_h": at, "low_52_w": at, "high_52_w": at, "price_percent_chg_24_h": "-4.15775596"}
    best = {"best_bid": at, "best_ask": at}
    sizes = {"best_bid_quantity": size(publication.sequence), "best_ask_quantity": "1"}
    return {"tickers": [{**told, **day, **(best | sizes if publication.stream.startswith("ticker:") else {})}]}


def _book(product: str, publication: Publication, wall_time: float, kind: str) -> dict[str, Any]:
    if kind == "snapshot":
        whole = book(publication.sequence)
        levels = [(side, level) for side in ("bids", "asks") for level in whole[side]]
    else:
        levels = [change(publication.sequence)]
    updates = [
        {
            "side": "bid" if side == "bids" else "offer",
            "event_time": "1970-01-01T00:00:00Z" if kind == "snapshot" else rfc3339(wall_time),
            "price_level": at,
            "new_quantity": quantity,
        }
        for side, (at, quantity) in levels
    ]
    return {"product_id": product, "updates": updates}


def _candle(product: str, publication: Publication, wall_time: float, _: str) -> dict[str, Any]:
    at = price(publication.stream, publication.sequence)
    prices = {"high": at, "low": at, "open": at, "close": at}
    start = str(int(wall_time // 300 * 300))
    return {"candles": [{"start": start, **prices, "volume": str(publication.sequence), "product_id": product}]}


def _status(product: str, publication: Publication, _: float, __: str) -> dict[str, Any]:
    base, quote = product.split("-", 1)
    told = {"product_type": "SPOT", "id": product, "base_currency": base, "quote_currency": quote}
    steps = {"base_increment": "0.00000001", "quote_increment": "0.01", "display_name": f"{base}/{quote}"}
    rest = {"status": "online", "status_message": "", "min_market_funds": str(publication.sequence)}
    return {"products": [{**told, **steps, **rest}]}


_EVENTS = {  # by channel
    "market_trades": _trades,
    "ticker": _ticker,
    "ticker_batch": _ticker,
    "level2": _book,
    "candles": _candle,
    "status": _status,
}
