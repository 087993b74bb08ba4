"""What the documents say is so: examples, links, settings, events, verdicts."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, Field, fields
from pathlib import Path

import pytest

import holdfast
from holdfast import (
    Backoff,
    Cause,
    Deflate,
    DialWindow,
    Event,
    Failure,
    FeedConfig,
    FeedOptions,
    Keepalive,
    Limits,
    MessageWindow,
    Overflow,
    Patience,
    Rebalance,
    Resync,
    Retry,
    Rotation,
    Sharding,
    Staleness,
    Subscribing,
    Timeouts,
)
from holdfast.supervisor.verdict import judge
from holdfast_cli.demo import demo
from holdfast_cli.exits import Exit
from holdfast_cli.run.command import run
from holdfast_cli.tail import tail
from holdfast_cli.top import top

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
DOCUMENTS += [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))]
EVENTS = [
    one for one in vars(holdfast).values() if isinstance(one, type) and issubclass(one, Event) and one is not Event
]
GROUPS = (Backoff, Deflate, DialWindow, Keepalive, Limits, MessageWindow, Overflow, Patience, Resync, Retry, Staleness)
GROUPS += (Rebalance, Rotation, Sharding, Subscribing, Timeouts)
WITH_SNIPPETS = ("configuration", "dialects", "exchanges", "observing")
SHOWN = {
    "binance_asyncio.py": "README.md",
    "tail_asyncio.py": "README.md",
    "tail_trio.py": "README.md",
    "events_asyncio.py": "README.md",
    "blocking_driver.py": "docs/transports.md",
    "phoenix_channels.py": "docs/dialects.md",
    "graphql_transport_ws.py": "docs/dialects.md",
    "listen_key.py": "docs/dialects.md",
    "order_book.py": "docs/zero-gap.md",
}


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def code_blocks(document: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text_of(document), re.MULTILINE | re.DOTALL)


def rows(document: str) -> list[list[str]]:
    """The cells of all tables, row by row."""
    lines = (line.replace("\\|", "/") for line in text_of(document).splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_each_example_is_shown_as_it_is(example: str) -> None:
    assert (ROOT / "examples" / example).read_text(encoding="utf-8") in code_blocks(SHOWN[example])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text_of(document))
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


@pytest.mark.parametrize("document", [f"docs/{name}.md" for name in WITH_SNIPPETS])
def test_snippets_compile_and_their_calls_are_taken(document: str) -> None:
    blocks = code_blocks(document)
    assert blocks
    for block in blocks:
        compile(block, document, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        exec(block, {})


# Settings


def shown(field: Field[object], unit: str) -> str:
    default = field.default
    if default is MISSING:
        return "\N{EN DASH}"
    if default is None:
        return "*None*"
    if isinstance(default, bool):
        return "on" if default else "off"
    if unit == "bytes" and isinstance(default, int):
        mebibytes, rest = divmod(default, 1024 * 1024)
        return f"{default // 1024} KiB" if rest else f"{mebibytes} MiB"
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_every_setting_stands_there_with_its_default() -> None:
    table = {cells[0]: cells for cells in rows("docs/configuration.md")}
    for group in GROUPS:
        for field in fields(group):
            cells = table[f"`{group.__name__}.{field.name}`"]
            assert cells[1] == shown(field, cells[2]), cells
            assert cells[3], "say why"
    plain = {field.name: field for field in fields(FeedConfig) if field.default is not MISSING}
    groups = {group.__name__.lower() for group in GROUPS} | {"dial_window"}
    for name in FeedOptions.__optional_keys__ - groups | {"message_window"}:
        cells = table[f"`{name}`"]
        if name in plain and plain[name].default != ():
            assert cells[1] == shown(plain[name], cells[2]), cells


# Events


def test_every_event_stands_there_with_its_fields() -> None:
    table = {cells[0]: cells for cells in rows("docs/events.md")}
    readme = text_of("README.md")
    for event in EVENTS:
        named = [f"`{field.name}`" for field in fields(event) if field.name != "at"]
        assert table[f"`{event.__name__}`"][1].split() == named
        assert f"`{event.__name__}`" in readme


def test_every_cause_stands_there_with_its_value() -> None:
    causes = {cells[0]: cells[1] for cells in rows("docs/events.md") if cells[0].startswith("`Cause.")}
    assert causes == {f"`{cause}`": f"`{cause.value}`" for cause in Cause}


def verdict_rows(kind: str) -> list[tuple[list[int], str]]:
    """The numbers that a row of the table of verdicts is about, and what it says of them."""
    found: list[tuple[list[int], str]] = []
    for cells in rows("docs/events.md"):
        if cells[0].startswith(kind):
            ranges = re.findall(r"(\d+)(?: to (\d+))?", cells[0])
            found.append(([n for low, high in ranges for n in range(int(low), int(high or low) + 1)], cells[1]))
    return found


def verdict_of(failure: Failure) -> str:
    verdict = judge(failure, 0.0, 3600.0)
    return verdict.action.value + (", counted" if verdict.policy else "")


def test_verdicts_on_http_answers_are_those_of_the_code() -> None:
    told: dict[int, str] = {}
    for statuses, said in verdict_rows("HTTP"):
        for status in statuses:
            told[status] = said
            headers = (("Location", "/elsewhere"), ("Retry-After", "7"))
            failure = Failure(Cause.HTTP, status=status, headers=headers)
            assert re.split(r"[,:] (?!counted)| at ", said)[0] == verdict_of(failure), status
            assert ("Retry-After" in said) == (judge(failure, 0.0, 3600.0).wait == 7.0)
    assert len(told) > 200


@pytest.mark.parametrize("cause", [Cause.CLOSED, Cause.PROTOCOL])
def test_verdicts_on_closes_are_those_of_the_code(cause: Cause) -> None:
    told = {code: said for codes, said in verdict_rows("close") for code in codes}
    assert len(told) > 1000
    assert {code: verdict_of(Failure(cause, code=code)) for code in told} == told


def test_every_other_cause_is_retried() -> None:
    final = {Cause.CERTIFICATE, Cause.CLIENT_CERTIFICATE, Cause.PROXY_AUTH}
    special = {Cause.HTTP, Cause.CLOSED, Cause.PROTOCOL, *final}
    assert {verdict_of(Failure(cause)) for cause in Cause if cause not in special} == {"retry"}
    assert {verdict_of(Failure(cause)) for cause in final} == {"give up"}
    statuses = {status: verdict_of(Failure(Cause.PROXY, status=status)) for status in range(100, 600)}
    assert [status for status, verdict in statuses.items() if verdict == "give up"] == [403]


# The command line


def test_every_option_stands_there() -> None:
    told = [cells[0].strip("`").split()[0] for cells in rows("docs/command-line.md") if cells[0].startswith("`--")]
    params = [one for command in (demo, run, tail, top) for one in command.params]
    options = [option for one in params for option in one.opts if option[0] == "-"]
    assert sorted(told) == sorted(options)


def test_the_exit_codes_are_those_of_the_code() -> None:
    told = [int(cells[0]) for cells in rows("docs/command-line.md") if cells[0].isdigit()]
    assert told == [int(code) for code in Exit]
