"""The `holdfast demo` command: how it ends, and what goes where. Its script is another test's subject."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from queue import SimpleQueue

import pytest
from click.testing import CliRunner, Result

from holdfast import Feed, Stale
from holdfast.testing import Exchange, FaultRecord, IgnorePings
from holdfast_cli import demo as demo_module
from holdfast_cli import demo_run, demo_show, demo_stage
from holdfast_cli.commands import holdfast
from holdfast_cli.demo_script import Scene, Script
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.transports import Transport, load_transport

TRANSPORTS = ["asyncio", "trio"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(holdfast, ["demo", *arguments])


@pytest.fixture
def short_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes wrong, and it is over when a few messages came."""
    monkeypatch.setattr(Script, "of_length", lambda seconds: Script(1.0, ()))
    monkeypatch.setattr(demo_stage, "_REFRESH", 0.01)


@pytest.mark.usefixtures("short_script")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_succeeds_when_nothing_is_lost(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")  # it leads nowhere, and is not asked
    result = run("--transport", transport)
    assert result.exit_code == 0
    assert "connected in" in result.stdout
    assert result.stdout.rstrip().replace("\n", " ").endswith("and the feed was open at the end.")
    assert result.stderr == ""


@pytest.mark.usefixtures("short_script")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_json_is_one_line_and_all_else_goes_to_stderr(transport: str) -> None:
    result = run("--json", "--transport", transport)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert (report["ok"], report["transport"], report["problems"]) == (True, transport, [])
    assert report["total"]["received"] == report["total"]["published"] > 0
    assert (report["dials"], report["connections"]) == (1, 1)
    assert "connected in" in result.stderr
    assert "Ledger" in result.stderr


def test_it_fails_when_a_fault_touched_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = (Scene(0.0, IgnorePings(0.0)),)
    monkeypatch.setattr(Script, "of_length", lambda seconds: Script(0.1, scenes))
    result = run("--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"] == (
        "FAILED: the exchange answers no pings for 0 s, but sends data, and it touched nothing."
    )
    assert "exchange  answers no pings" in result.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        (range(5, 6), "messages lost outside of every declared gap: 1"),
        (range(5, 10_000), "the last message never arrived"),
    ],
)
def test_it_fails_when_messages_are_kept_from_the_consumer(
    transport: str, kept: range, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load_transport(transport)

    @asynccontextmanager
    async def leaky(url: str, **options: object) -> AsyncGenerator[Feed]:
        async with real.open_feed(url, **options) as feed:
            items = feed.items

            async def some_items() -> AsyncGenerator[object]:
                number = 0
                async for item in items():
                    number += isinstance(item, str)
                    if not isinstance(item, str) or number not in kept:
                        yield item

            monkeypatch.setattr(feed, "items", some_items)
            yield feed

    monkeypatch.setattr(Script, "of_length", lambda seconds: Script(1.0, ()))
    monkeypatch.setattr(demo_run, "_DRAIN", 0.1)
    monkeypatch.setattr(demo_module, "load_transport", lambda name: replace(real, open_feed=leaky))
    result = run("--json")
    assert result.exit_code == 1
    assert problem in json.loads(result.stdout)["problems"]


def test_a_fault_is_told_before_what_it_did_to_the_feed() -> None:
    told: list[str] = []

    class Show(demo_show.Show):
        def _note(self, at: float, who: str, what: str) -> None:
            told.append(f"{at:g} {who}: {what}")

    struck: SimpleQueue[FaultRecord] = SimpleQueue()
    stage = demo_stage.Stage(load_transport("asyncio"), Show(), ExchangeHost(Exchange([])), struck)
    struck.put(FaultRecord(IgnorePings(1.0), 3.5, 1))
    stage.on_event(Stale(0.0, 1, 2.5))
    assert told[0] == "3.5 exchange: answers no pings for 1 s, but sends data"
    assert told[1].endswith("feed: stale: connected, and no message for 2.5 s")
    assert len(told) == 2


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_module, "run_demo", interrupted)
    result = run()
    assert (result.exit_code, result.output) == (130, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "20.9"], "20.9: the script needs 21 to 600 seconds"),
        (["--seconds", "601"], "601: the script needs 21 to 600 seconds"),
        (["--seconds", "nan"], "nan: the script needs 21 to 600 seconds"),
        (["--seconds", "soon"], "'soon' is not a valid float"),
        (["--transport", "curio"], "'curio' is not one of"),
        (["more"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_trio_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trio", None)
    result = run("--transport", "trio")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "holdfast: --transport trio needs trio: pip install 'holdfast[trio]'\n"


# What commands need of a transport


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> Transport:
    return load_transport(request.param)


@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt])
@pytest.mark.parametrize("place", ["job", "body", "alone"])
def test_errors_leave_no_matter_where_they_arose(transport: Transport, error: type[BaseException], place: str) -> None:
    async def job() -> None:
        if place == "job":
            raise error(place)
        await transport.sleep(60)

    async def main() -> None:
        if place == "alone":
            raise error(place)
        async with transport.beside(job):
            if place == "body":
                raise error(place)
            await transport.sleep(60)

    with pytest.raises(error) as caught:
        transport.run(main)
    assert type(caught.value) is error


def test_ctrl_c_stands_above_other_errors(transport: Transport) -> None:
    async def job() -> None:
        try:
            await transport.sleep(60)
        finally:
            raise KeyboardInterrupt

    async def main() -> None:
        async with transport.beside(job):
            await transport.sleep(0)
            raise LookupError

    with pytest.raises(KeyboardInterrupt):
        transport.run(main)


def test_the_job_beside_runs_along_and_ends_with_the_body(transport: Transport) -> None:
    steps: list[str] = []

    async def job() -> None:
        try:
            while True:
                steps.append("job")
                await transport.sleep(0)
        finally:
            steps.append("job over")

    async def main() -> None:
        async with transport.beside(job):
            while len(steps) < 3:
                await transport.sleep(0)
            steps.append("body over")
        steps.append("left")

    transport.run(main)
    assert steps[:3] == ["job"] * 3
    assert steps[-2:] == ["job over", "left"]
    assert "body over" in steps
