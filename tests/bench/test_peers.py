"""The comparison with other clients: what is counted, and that its page is of these situations and clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.peers import messages
from bench.peers.account import Account
from bench.peers.clients import CLIENTS
from bench.peers.page import cell
from bench.peers.runs import Run
from bench.peers.script import Ending, Script
from bench.peers.seen import Seen
from bench.peers.situations import SITUATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "comparison.md").read_text(encoding="utf-8")


def seen(account: Account, **findings: Any) -> Seen:
    connection = {"accepted": 10.0, "opened": 10.0, "asked": 1, "ended": None, "said": None}
    report = {"begun": 10.0, "ended": 20.0, "grew": 0, "account": account.dump(), **findings}
    return Seen(report, {"published": 100, "connections": [connection]})


def account_of(*happenings: int | str) -> Account:
    """A number is a message that came, a text what told the application of a loss."""
    account = Account()
    for happening in happenings:
        if isinstance(happening, str):
            account.sign(happening)
        else:
            account.message(happening)
    return account


@pytest.mark.parametrize(
    ("happenings", "lost", "untold"),
    [
        ((1, 2, 3), 0, 0),
        ((5, 6), 0, 0),  # what came before the first is nobody's
        ((1, 4), 2, 2),
        ((1, "Gap", 4), 2, 0),
        ((1, "Gap", 2, 4), 1, 1),  # a sign counts for the place where it stands
        ((1, 4, "Gap", 5), 2, 2),  # and comes too late behind it
        ((1, "Gap", 4, 9), 6, 4),
    ],
)
def test_holes_are_counted_and_whether_anybody_said_so(happenings: tuple[int | str, ...], lost: int, untold: int):
    found = seen(account_of(*happenings))
    assert (found.lost, found.untold) == (lost, untold)


def test_what_comes_twice_is_no_hole():
    account = account_of(1, 2, 2, 1, 3)
    assert (account.repeated, account.holes) == (2, [])


def test_a_message_says_what_it_was_made_of():
    text = messages.make(1234, 50, owes_pong=True)
    assert len(text) == 50
    assert messages.number_of(text) == 1234
    assert messages.symbol_of(text) == "S4"
    assert messages.says_pong_is_owed(text)
    assert not messages.says_pong_is_owed(messages.make(1, messages.SHORTEST))


def test_a_script_reaches_the_server_as_it_is():
    script = Script(rate=5.0, endings=(Ending("refuse", code=429, headers=(("Retry-After", "2"),)), Ending()))
    assert Script.load(script.dump()) == script


FINDINGS = {
    "out": None,
    "took": 2.0,
    "at_once": {"tasks": 0, "sockets": 0},
    "later": {"tasks": 0, "sockets": 0},
    "scopes_whole": True,
    "early": {"tasks": 1, "sockets": 1},
    "late": {"tasks": 1, "sockets": 1},
    "close_called": 15.0,
    "close_took": 0.0,
}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=list(SITUATIONS))
@pytest.mark.parametrize(
    "found",
    [
        seen(account_of(1, "Gap", 4), **FINDINGS),
        seen(account_of(), **FINDINGS),
        Seen(None, {"connections": []}, "hung"),
        seen(account_of(), loop_raised="TrioInternalError"),
    ],
    ids=["a feed", "no message", "hung", "a broken loop"],
)
def test_every_situation_has_a_cell_for_whatever_was_seen(situation: Any, found: Seen):
    text = cell(Run(situation, CLIENTS["Holdfast, trio"]), found)
    assert text
    assert "\n" not in text


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=list(SITUATIONS))
def test_every_situation_stands_in_the_page_with_a_cell_for_every_client(situation: Any):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {situation.title} |")]
    clients = [client for client in CLIENTS.values() if client.is_holdfast or not situation.holdfast_only]
    cells = row.strip("|").split(" | ")[1:]
    assert len(cells) == len(clients)
    assert not any("not run" in one for one in cells)
    assert situation.text in PAGE


def test_every_client_has_a_column():
    (head,) = [line for line in PAGE.splitlines() if line.startswith("|  | websockets")]
    assert head == f"|  | {' | '.join(client.title for client in CLIENTS.values())} |"
