"""`holdfast tail NAME:STREAM`: streams of services that go by a name, at simulated ones."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.tailed import Tail
from holdfast import Service
from holdfast.testing import Exchange, Reset, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast.testing.services.kraken import Kraken
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.services import SERVICES, source_of
from holdfast_cli.tail import tail

NAMES = ("btcusdt@trade", "ethusdt@trade", "xrpusdt@trade")
QUICK = "--backoff=0.01:0.1"


def binance() -> Exchange:
    return Exchange([Stream(name, 50) for name in NAMES], service=BinanceSpot())


def trades(tailed: Tail, count: int) -> list[tuple[str, int]]:
    told = [json.loads(tailed.line()) for _ in range(count)]
    return [(message["stream"], message["data"]["t"]) for message in told]


def test_the_messages_of_the_streams_are_the_lines(run: Callable[..., Tail]) -> None:
    with ExchangeHost(binance()) as host:
        tailed = run(f"--endpoint={host.url}/stream", f"binance:{NAMES[0]}, {NAMES[2]},")
        assert {stream for stream, _ in trades(tailed, 20)} == {NAMES[0], NAMES[2]}
        assert tailed.state("subscribed") == f"holdfast: subscribed to {NAMES[0]}, {NAMES[2]}"


def test_acknowledgements_heartbeats_and_greetings_are_no_lines(run: Callable[..., Tail]) -> None:
    exchange = Exchange([Stream("trade:BTC/USD", 20)], service=Kraken())
    with ExchangeHost(exchange) as host:
        tailed = run(f"--endpoint={host.url}/v2", "kraken:trade:BTC/USD")
        assert {json.loads(tailed.line())["channel"] for _ in range(5)} == {"trade"}


def test_streams_are_asked_for_again_after_a_cut(run: Callable[..., Tail]) -> None:
    with ExchangeHost(binance()) as host:
        tailed = run(QUICK, f"--endpoint={host.url}/stream", f"binance:{','.join(NAMES)}")
        trades(tailed, 10)
        host.ask(lambda exchange, now: exchange.strike(Reset(), now))
        tailed.state("gap of")
        assert {stream for stream, _ in trades(tailed, 40)} == set(NAMES)


def test_two_legs_bring_each_message_once(run: Callable[..., Tail]) -> None:
    with ExchangeHost(binance()) as host:
        tailed = run("--legs=2", QUICK, f"--endpoint={host.url}/stream", f"binance:{NAMES[0]}")
        tailed.line()
        while host.ask(lambda exchange, _: exchange.open_connections) < 2:
            tailed.line()
        numbers = [number for _, number in trades(tailed, 30)]
        assert numbers == list(range(numbers[0], numbers[0] + 30))
        assert tailed.end(signal.SIGINT)[0] == 130


def test_a_stream_that_is_refused_is_told_and_the_others_come(run: Callable[..., Tail]) -> None:
    exchange = Exchange([Stream("trade:BTC/USD", 20)], service=Kraken(["BTC/USD"]))
    with ExchangeHost(exchange) as host:
        tailed = run(f"--endpoint={host.url}/v2", "kraken:trade:NO/PE,trade:BTC/USD")
        assert tailed.state("refused").startswith("holdfast: refused: trade:NO/PE: ")
        assert "BTC/USD" in tailed.line()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_the_stream_of_its_example(name: str) -> None:
    service = source_of(f"{name}:{SERVICES[name][1]}")
    assert isinstance(service, Service)
    assert service.streams == (SERVICES[name][1],)


def test_endpoints_are_dialled_in_their_order() -> None:
    service = source_of("okx:trades:BTC-USDT", ["ws://one/ws", "ws://two/ws"])
    assert isinstance(service, Service)
    assert service.source == ["ws://one/ws", "ws://two/ws"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bnance:btcusdt@trade"], "unknown service 'bnance': give a ws:// or wss:// URL, or NAME:STREAM"),
        (["bnance:btcusdt@trade"], "binance, binance-usdm, bybit, bybit-linear, "),
        (["pass123"], "unknown service: give"),
        (["/?token=pass123:x"], "unknown service: give"),
        (["binance:"], "Such as binance:btcusdt@trade"),
        (["binance: , "], "Such as binance:btcusdt@trade"),
        (["binance"], "Such as binance:btcusdt@trade"),
        (["binance:BTCUSDT@trade"], "writes symbols in lower case: 'btcusdt@trade'"),
        (["binance-usdm:btcusdt@trade,btcusdt@kline_1m"], "come on two routes"),
        (["kraken:BTC/USD"], "which channel of it?"),
        (["coinbase:BTC-USD"], "which channel of it?"),
        (["okx:candle1m:BTC-USDT"], "business"),
        (["bybit-spot:publicTrade.BTCUSDT"], "unknown service 'bybit-spot'"),
        (["bybit:trade.BTCUSDT"], "'publicTrade.BTCUSDT'"),
        (["binance:btcusdt@trade", "--endpoint=http://localhost/stream"], "must begin with ws:// or wss://"),
        (["binance:btcusdt@trade", "--endpoint=ws://localhost/ws"], "ends with /stream"),
        (["ws://localhost", "--endpoint=ws://localhost"], "give the URL"),
        (["binance:btcusdt@trade", "--legs=0"], "legs = 0: must be a whole number from 1 to 8"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_right(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(tail, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "pass123" not in result.stderr


def test_help_names_every_service() -> None:
    text = CliRunner().invoke(tail, ["--help"]).stdout
    assert all(f"  {name}:{example}\n" in text for name, (_, example) in SERVICES.items())


def test_the_document_names_every_service() -> None:
    document = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    rows = [line.split("`")[1::2] for line in document.splitlines() if line.startswith("| `")]
    named = [row for row in rows if len(row) == 2 and row[1].startswith(f"{row[0]}:")]
    assert named == [[name, f"{name}:{example}"] for name, (_, example) in SERVICES.items()]
