"""`holdfast demo --exchange`: short voyages on real sockets, and what fails them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from holdfast import Feed
from holdfast.dialects.binance.dialect import SPOT_LIMITS
from holdfast.testing import Client, Rules
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli import demo_stage
from holdfast_cli.commands import holdfast
from holdfast_cli.exchange_demo import EXCHANGES, Plan, run
from holdfast_cli.exchange_demo.plan import STREAMS

TRANSPORTS = ["asyncio", "trio"]


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(holdfast, ["demo", *arguments])


@pytest.fixture(autouse=True)
def short_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six streams and the first of the five cuts."""
    whole = Plan.of_length

    def short(seconds: float, streams: tuple[str, ...]) -> Plan:
        cut = replace(whole(seconds, streams).cuts[0], at=0.7)
        return Plan(1.3, streams[:6], (cut,), rate=20.0, pause=0.2, share=1, settling=0.6, first_change=0.2)

    monkeypatch.setattr(Plan, "of_length", short)
    monkeypatch.setattr(demo_stage, "_REFRESH", 0.01)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_promise_is_kept_at_every_exchange(
    exchange: str, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")  # it leads nowhere, and is not asked
    result = demo("--json", "--exchange", exchange, "--transport", transport)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["problems"]) == (0, [])
    assert (report["exchange"], report["transport"]) == (exchange, transport)
    assert (report["wanted"], report["held"], report["given_up"]) == (4, [4], 3)
    assert (report["connections"], len(report["gaps"])) == (2, 1)
    assert report["total"]["received"] > 0
    assert report["total"]["undeclared"] == 0
    assert "gives up 1 streams, wants 1 again" in result.stderr


def test_people_get_tables_and_a_verdict() -> None:
    result = demo("--exchange", "binance")
    assert result.exit_code == 0
    assert "subscribed to 6 streams" in result.stdout
    assert " ".join(result.stdout.split()).endswith("and no rule was broken.")


def test_it_fails_when_the_service_forgets_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(BinanceSpot):
        def answer(self, request: str, client: Client) -> list[str]:
            replies = super().answer(request, client)
            client.streams.discard("c005usdt@trade")
            return replies

    _replace_service(monkeypatch, Forgetful)
    result = demo("--json", "--exchange", "binance")
    assert result.exit_code == 1
    assert "wanted, and the service has them not: c005usdt@trade" in json.loads(result.stdout)["problems"]


def test_it_fails_when_a_rule_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strict(BinanceSpot):
        rules = Rules(message_limit=(1, 60.0))

    _replace_service(monkeypatch, Strict)
    result = demo("--json", "--exchange", "binance")
    assert result.exit_code == 1
    assert any("under its rule message_limit" in problem for problem in json.loads(result.stdout)["problems"])


def test_it_fails_when_changes_of_mind_do_not_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Feed, "unsubscribe", lambda *_: None)
    result = demo("--json", "--exchange", "binance")
    assert result.exit_code == 1
    assert "not wanted, and the service has them: " in json.loads(result.stdout)["verdict"]


def test_all_of_the_streams_fit_on_a_connection_everywhere() -> None:
    assert SPOT_LIMITS.max_streams is not None
    for simulated in EXCHANGES.values():
        service = simulated.make(*simulated.streams(STREAMS), endpoint="ws://localhost" + simulated.path)
        assert len(set(service.streams)) == STREAMS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exchange", "bnance"], "'bnance' is not one of 'binance', 'binance-usdm', 'bybit', 'coinbase', 'kraken',"),
        (["--exchange", "binance", "--seconds", "14.9"], "14.9: the script needs 15 to 600 seconds"),
        (["--exchange", "binance", "--seconds", "nan"], "nan: the script needs 15 to 600 seconds"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = demo(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


def _replace_service(monkeypatch: pytest.MonkeyPatch, service: Callable[[], BinanceSpot]) -> None:
    monkeypatch.setattr(run, "_DRAIN", 0.2)
    monkeypatch.setitem(EXCHANGES, "binance", replace(EXCHANGES["binance"], service=service))
