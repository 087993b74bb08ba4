"""The services of the demo: how Holdfast speaks to each, and what simulates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from holdfast import Service
from holdfast.dialects import binance, bybit, coinbase, kraken, okx
from holdfast.testing import Service as SimulatedService
from holdfast.testing.services.binance import BinanceSpot, BinanceUsdm
from holdfast.testing.services.bybit import Bybit
from holdfast.testing.services.coinbase import Coinbase
from holdfast.testing.services.kraken import Kraken
from holdfast.testing.services.okx import Okx


@dataclass(frozen=True, slots=True)
class Simulated:
    """`make` takes streams and an `endpoint`, which is at `path`; `pattern` is a stream, but for a number."""

    make: Callable[..., Service]
    service: Callable[[], SimulatedService]
    path: str
    pattern: str

    def streams(self, count: int) -> tuple[str, ...]:
        """The names of so many streams."""
        return tuple(self.pattern.format(number) for number in range(count))


# Trades everywhere, because they have numbers. All of these services take 200 streams on one connection.
EXCHANGES = {
    "binance": Simulated(binance.spot, BinanceSpot, "/stream", "c{:03}usdt@trade"),
    "binance-usdm": Simulated(binance.usdm, BinanceUsdm, "/market/stream", "c{:03}usdt@aggTrade"),
    "bybit": Simulated(partial(bybit.public, "spot"), Bybit, "/v5/public/spot", "publicTrade.C{:03}USDT"),
    "coinbase": Simulated(coinbase.advanced, Coinbase, "/", "market_trades:C{:03}-USD"),
    "kraken": Simulated(kraken.v2, Kraken, "/v2", "trade:C{:03}/USD"),
    "okx": Simulated(okx.public, Okx, Okx.PUBLIC, "trades:C{:03}-USDT"),
}
