"""The benchmark of speed: its page is of these situations and clients, its messages are what they are said to be."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.speed import messages
from bench.speed.clients import CLIENTS
from bench.speed.page import takes_part
from bench.speed.situations import SITUATIONS, Situation

from holdfast.dialects import binance
from holdfast.dialects.words import Update
from holdfast.wire import FrameReader

PAGE = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=list(SITUATIONS))
def test_every_situation_stands_in_the_page_with_a_row_for_each_of_its_clients(situation: Situation):
    section = PAGE.partition(f"## {situation.title}\n")[2].partition("\n## ")[0]
    assert situation.text in section
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    assert rows[0] == ["client", *(head for _, head, _ in situation.figures), "times the best"]
    assert sorted(row[0] for row in rows[2:]) == sorted(client.name for client in takes_part(situation))
    assert "not run" not in section


def test_every_client_takes_part_in_something_that_there_is():
    for client in CLIENTS.values():
        assert client.situations
        assert set(client.situations) <= set(SITUATIONS)


@pytest.mark.parametrize("kind", ["plain", "trades"])
def test_the_flood_is_whole_messages_of_one_size(kind: str):
    texts: list[str | bytes] = []
    reader = FrameReader(1 << 20)
    assert reader.receive(messages.blob(kind), texts) == []
    assert reader.held == 0
    assert {len(text) for text in texts} == {messages.SIZE}


def test_trades_are_updates_of_the_streams_that_are_asked_for():
    dialect = binance.spot().dialect
    updates = [dialect.read(messages.trade(number)) for number in range(2 * messages.STREAMS)]
    assert all(isinstance(update, Update) and update.typed() for update in updates)
    assert {update.stream for update in updates if isinstance(update, Update)} == {
        messages.stream(number) for number in range(messages.STREAMS)
    }


def test_a_stamp_is_read_as_it_was_written():
    texts: list[str | bytes] = []
    FrameReader(1 << 20).receive(messages.stamped(123456789), texts)
    assert messages.stamp_of(str(texts[0])) == 123456789
