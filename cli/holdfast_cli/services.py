"""What can be tailed: a URL, or streams of a service that Holdfast knows, as `NAME:STREAM,STREAM`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from holdfast import ConfigError, Service
from holdfast.dialects import binance, bybit, coinbase, kraken, okx

# By the name that stands before the colon: what makes the service, and one of its streams.
SERVICES: dict[str, tuple[Callable[..., Service], str]] = {
    "binance": (binance.spot, "btcusdt@trade"),
    "binance-usdm": (binance.usdm, "btcusdt@aggTrade"),
    "bybit": (partial(bybit.public, "spot"), "publicTrade.BTCUSDT"),
    "bybit-linear": (partial(bybit.public, "linear"), "publicTrade.BTCUSDT"),
    "bybit-inverse": (partial(bybit.public, "inverse"), "publicTrade.BTCUSD"),
    "bybit-option": (partial(bybit.public, "option"), "publicTrade.BTC"),
    "coinbase": (coinbase.advanced, "market_trades:BTC-USD"),
    "kraken": (kraken.v2, "trade:BTC/USD"),
    "okx": (okx.public, "trades:BTC-USDT"),
    "okx-business": (okx.business, "candle1m:BTC-USDT"),
}


def source_of(argument: str, endpoints: Sequence[str] = ()) -> str | Service:
    """A URL as it is, or the service that is meant. `endpoints` replace where it is dialled, the preferred one first.

    Raises ConfigError for an unknown service, for none of its streams, and for what is no stream of it.
    """
    if "://" in argument:
        if endpoints:
            raise ConfigError("--endpoint replaces the URL of a service that is named; leave it out, and give the URL")
        return argument
    name, colon, listed = argument.partition(":")
    if name not in SERVICES:
        raise ConfigError(_unknown(name if colon else ""))
    make, example = SERVICES[name]
    streams = list(dict.fromkeys(stream for stream in map(str.strip, listed.split(",")) if stream))
    if not streams:
        raise ConfigError(f"{name} of which streams? Such as {name}:{example}")
    return make(*streams, endpoint=list(endpoints)) if endpoints else make(*streams)


def _unknown(name: str) -> str:
    # Shown only if it looks like a name: what else stands there may be a secret.
    of = f" {name!r}" if re.fullmatch(r"[a-zA-Z][a-zA-Z0-9._-]{0,29}", name) else ""
    return f"unknown service{of}: give a ws:// or wss:// URL, or NAME:STREAM with NAME one of {', '.join(SERVICES)}"
