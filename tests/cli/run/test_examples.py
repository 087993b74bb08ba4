"""The files in `examples/`: what they come to, and that they run."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.running import Run, rows
from holdfast import Backoff, FeedConfig
from holdfast.settings import MIB
from holdfast.testing import Exchange, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.commands import holdfast
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.run.file import load

EXAMPLES = Path(__file__).parents[3] / "examples"
KLINES = EXAMPLES / "klines_and_prices.toml"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_every_example_is_right(file: Path) -> None:
    done = CliRunner().invoke(holdfast, ["config", "check", str(file)])
    assert done.exit_code == 0, done.output


def test_klines_and_prices_is_what_it_says() -> None:
    config = load(KLINES, {})
    assert (config.log.every_messages, config.log.overview_every, config.log.warn_at) == (500, 60, 10)
    klines, prices = config.feeds["klines"].config, config.feeds["prices"].config

    def both(get: Callable[[FeedConfig], object]) -> list[object]:
        return [get(klines), get(prices)]

    assert both(lambda feed: feed.retry.max_attempts) == [8, 15]
    assert both(lambda feed: feed.staleness.after) == [40, 300]
    assert both(lambda feed: feed.staleness.reconnect) == [True, True]
    assert both(lambda feed: feed.limits.max_message_size) == [1 * MIB, 10 * MIB]
    assert both(lambda feed: feed.backoff) == [Backoff(initial=1, maximum=60, factor=2, jitter=0.25)] * 2
    assert both(lambda feed: feed.sharding.max_streams_per_connection) == [200, 200]
    assert both(lambda feed: feed.sharding.max_symbols_per_connection) == [50, 50]
    assert both(lambda feed: feed.sharding.max_connections) == [20, 20]
    assert both(lambda feed: feed.user_agent) == ["klines-and-prices/1.0"] * 2
    assert both(lambda feed: feed.compression) == [None, None]
    symbols = {stream.partition("@")[0] for stream in klines.streams}
    assert len(symbols) == 20
    assert set(klines.streams) == {
        f"{one}@kline_{interval}" for one in symbols for interval in ("1m", "5m", "15m", "1h")
    }


def test_klines_and_prices_run(start: Callable[..., Run], tmp_path: Path) -> None:
    text = KLINES.read_text("utf-8")
    streams = {name: plan.streams for name, plan in load(KLINES, {}).feeds.items()}
    with ExitStack() as stack:
        for name, names in streams.items():
            exchange = Exchange([Stream(one, 10) for one in names], service=BinanceSpot())
            host = stack.enter_context(ExchangeHost(exchange))
            text = re.sub(rf"(\[feeds\.{name}\])", rf'\1\nurl = "{host.url}/stream"', text)
        run = start(text)
        run.told(" messages/s), the latest ")
        file = run.out
        while b'"feed":"prices"' not in file.read_bytes():
            assert run.process.poll() is None
        assert run.end(signal.SIGTERM) == 0
    found = {(row["feed"], row["stream"]) for row in rows(file.read_bytes()) if "data" in row}
    assert found == {(name, stream) for name, names in streams.items() for stream in names}
