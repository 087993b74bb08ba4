"""Coinbase Advanced Trade: names, requests and limits.

Sources, read 2026-11-21, as of 2026-06:
https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview (requests),
.../websocket/websocket-channels (channels, heartbeats) and .../websocket/websocket-rate-limits (limits). What is marked
"observed" stands in no document; several clients saw it in 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.dialects.channels import batched, channel_of, compact, parted
from holdfast.dialects.coinbase.updates import HEARTBEATS, NAMES, read
from holdfast.dialects.dialect import Service, ServiceLimits
from holdfast.dialects.words import Patience
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Failure
from holdfast.settings import DialWindow, MessageWindow
from holdfast.source import Source
from holdfast.verdicts import Verdict

URL = "wss://advanced-trade-ws.coinbase.com"
_CHANNELS = tuple(NAMES)
_EXAMPLE = "market_trades:BTC-USD"
_OWN_USDC = ("USDT-USDC", "EURC-USDC")

# --- what a user writes


def advanced(*streams: str, endpoint: Source | Sequence[Source] = URL) -> Service:
    """Public market data. Streams: `market_trades:BTC-USD`, `ticker:BTC-USD` (on every match), `ticker_batch:BTC-USD`
    (every 5 s), `level2:BTC-USD` (the whole book, then its changes), `candles:BTC-USD` (5 minutes), `status:BTC-USD`.
    Heartbeats are asked for on every connection, without being named. Raises ConfigError.
    """
    dialect = CoinbaseDialect()
    for stream in streams:
        dialect.check(stream)
    return Service(dialect, endpoint, streams)


def market_trades(product: str) -> str:
    """The name of a stream of trades: the recent ones first, then what was traded in each 250 ms."""
    return f"market_trades:{product}"


def ticker(product: str) -> str:
    """The name of a stream of best prices and 24 hours, sent on every match."""
    return f"ticker:{product}"


def ticker_batch(product: str) -> str:
    """The name of a stream of the last price and 24 hours, every 5 s if they changed. It has no best prices."""
    return f"ticker_batch:{product}"


def level2(product: str) -> str:
    """The name of a stream of a book: all of it first, then every change."""
    return f"level2:{product}"


def candles(product: str) -> str:
    """The name of a stream of candles of 5 minutes; the channel has no others."""
    return f"candles:{product}"


def status(product: str) -> str:
    """The name of a stream that tells whether a product is traded."""
    return f"status:{product}"


# --- the dialect


@dataclass(frozen=True)
class CoinbaseDialect:
    """Requests have no number, and nothing that answers them has one: an acknowledgement lists all that a connection
    has, an error says only why.
    """

    name = "coinbase"
    limits = ServiceLimits(
        # None is documented; with names of usual length that is about 1.5 KB.
        max_streams_per_request=100,
        # "8 messages per second" unauthenticated, of all connections of an address together: half is left to others.
        message_window=MessageWindow(count=4, period=1.0),
        # "8 per second per IP address"; another document of the same feed says 750. Half is left to others.
        dial_window=DialWindow(count=4, period=1.0),
        # "Most channels close within 60-90 seconds if no updates are sent"; this one keeps all of them. And whoever
        # asks for nothing within 5 s is disconnected.
        always=(HEARTBEATS,),
        in_turn=True,
        counts=True,
    )

    def check(self, stream: str) -> None:
        """Raise ConfigError, with advice, for what is no stream of Coinbase Advanced Trade."""
        if parted(stream)[0] == HEARTBEATS:
            raise ConfigError(f"{stream!r}: every connection asks for heartbeats by itself; leave it out")
        if re.fullmatch(r"[A-Za-z0-9]+-[A-Za-z0-9-]+", stream):
            raise ConfigError(f"{stream!r}: which channel of it? Such as {'market_trades:' + stream.upper()!r}")
        if parted(stream)[0] == "l2_data":
            raise ConfigError(f"{stream!r}: its messages say l2_data, but subscribe to {'level2' + stream[7:]!r}")
        channel, product = channel_of(stream, _CHANNELS, "Coinbase", _EXAMPLE)
        _check_product(stream, channel, product)

    def symbol(self, stream: str) -> str:
        """The instrument."""
        return parted(stream)[1] or stream

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        """A request is for one channel."""
        return batched(streams, lambda stream: parted(stream)[0], self.limits.max_streams_per_request or 1)

    def subscribe(self, streams: Sequence[str], request: int) -> str:  # noqa: ARG002
        return _request("subscribe", streams)

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:  # noqa: ARG002
        return _request("unsubscribe", streams)

    def list_streams(self, request: int) -> str | None:  # noqa: ARG002
        """Coinbase cannot be asked; but every acknowledgement is a list."""
        return None

    def ping(self, request: int) -> str | None:  # noqa: ARG002
        """It has none; there are heartbeats."""
        return None

    read = staticmethod(read)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:  # noqa: ARG002
        """No URL asks for streams."""
        return frozenset()

    def patience(self, stream: str) -> Patience:
        kind = NAMES.get(parted(stream)[0])
        return kind.channel.patience if kind is not None else Patience()

    def verdict(self, failure: Failure) -> Verdict | None:  # noqa: ARG002
        """Nothing that fails here is documented to mean anything else than usual."""
        return None


def _request(kind: str, streams: Sequence[str]) -> str:
    channel = parted(streams[0])[0]
    told: dict[str, Any] = {"type": kind}
    if channel != HEARTBEATS:
        told["product_ids"] = [parted(stream)[1] for stream in streams]
    return compact({**told, "channel": channel})


def _check_product(stream: str, channel: str, product: str) -> None:
    if not product:
        raise ConfigError(f"{stream!r}: of which product? Such as {channel + ':BTC-USD'!r}")
    right = product.upper().replace("/", "-")
    if right != product:
        raise ConfigError(f"{stream!r}: Coinbase writes {channel + ':' + right!r}")
    if not re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)+", product):
        raise ConfigError(f"{stream!r}: Coinbase writes a product with both currencies, one at a time: BTC-USD")
    if product.endswith("-USDC") and product not in _OWN_USDC:
        # "Other channels will return the same data as the corresponding -USD based products", and under their names.
        raise ConfigError(
            f"{stream!r}: Coinbase sends the data of the product in USD instead, under its name: ask for "
            f"{f'{channel}:{product[:-1]}'!r}"
        )
