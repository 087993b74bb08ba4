"""The service's numbers: whatever they prove to be missing is declared, in order, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.voyage import HOST, Voyage
from holdfast import Backoff, Cause, ConfigError, Failure, FeedConfig, FeedOptions, Gap, Message, Rotated, Update
from holdfast.dialects import binance, coinbase
from holdfast.supervisor.delivery import Delivery
from holdfast.supervisor.merge import Merge
from holdfast.supervisor.sequences import Sequences
from holdfast.supervisor.tally import LegTally, Tally
from holdfast.testing import FaultRecord, LoseData, MuteData, Reset
from holdfast.testing.services.binance import BinanceSpot, BinanceUsdm
from holdfast.testing.services.coinbase import Coinbase
from holdfast.testing.world import Weather

DEPTH, TRADE = "btcusdt@depth@100ms", "ethusdt@trade"
CHECKED: FeedOptions = {"check_sequences": True, "backoff": Backoff(jitter=0.0)}


class Numbered(Update):
    """Its text is `first-last`, or without numbers."""

    __slots__ = ()

    @property
    def sequence(self) -> tuple[int, int] | None:
        first, _, last = str(self.text).partition("-")
        return (int(first), int(last)) if last else None

    def joins(self, previous: Update) -> bool | None:
        mine, earlier = self.sequence, previous.sequence
        if mine is None or earlier is None or mine[1] <= earlier[1]:
            return None
        return mine[0] <= earlier[1] + 1


def after(*messages: str | Gap, wanted: tuple[str, ...] = ("a", "b")) -> list[str]:
    """What comes out of `stream first-last`; declared gaps are put between."""
    out: list[str] = []

    def declare(gap: Gap) -> None:
        out.append(f"{gap.stream}: {gap.cause.cause.value} {gap.first_missing}-{gap.last_missing}")
        sequences.declared(gap)

    def pass_on(batch: list[object], _size: int, _now: float) -> None:
        out.extend(f"{one.stream} {one.text}" for one in batch if isinstance(one, Update))

    sequences = Sequences(wanted, pass_on, declare)
    together: list[Update] = []
    for now, message in enumerate(messages):
        if isinstance(message, Gap):
            sequences.put(together, 0, now)  # type: ignore[arg-type]
            together = []
            sequences.declared(message)
        else:
            stream, _, numbers = message.partition(" ")
            together.append(Numbered(stream, numbers))
    sequences.put(together, 0, len(messages))  # type: ignore[arg-type]
    return out


def lost(stream: str | None = None) -> Gap:
    return Gap(0.0, 0.0, 0.0, Failure(Cause.EOF), stream=stream)


def holes(*messages: str | Gap, wanted: tuple[str, ...] = ("a", "b")) -> list[str]:
    return [line for line in after(*messages, wanted=wanted) if ":" in line]


def test_what_is_missing_is_named_before_the_first_message_behind_it() -> None:
    assert after("a 1-3", "a 4-4", "b 9-9", "a 7-8", "a 9-9", "b 10-10") == [
        "a 1-3",
        "a 4-4",
        "b 9-9",
        "a: sequence 5-6",
        "a 7-8",
        "a 9-9",
        "b 10-10",
    ]


def test_a_loss_of_ours_keeps_its_cause() -> None:
    assert holes("a 1-1", "b 1-1", lost(), "a 3-3", "b 2-2", "b 5-5") == ["a: eof 2-2", "b: sequence 3-4"]
    assert holes("a 1-1", "b 1-1", lost("a"), "b 3-3", "a 3-3", "a 5-5") == [
        "b: sequence 2-2",
        "a: eof 2-2",
        "a: sequence 4-4",
    ]


@pytest.mark.parametrize("stream", [None, "a"])
def test_what_may_be_ours_is_not_laid_at_the_services_door(stream: str | None) -> None:
    """After a cut the service leaves something out, too: nobody can tell which of the two it was."""
    left_out = Gap(0.0, 0.0, 0.0, Failure(Cause.SEQUENCE), stream=stream)
    assert holes("a 1-1", lost(), left_out, "a 3-3") == ["a: eof 2-2"]
    assert holes("a 1-1", lost(stream), left_out, "a 3-3", "a 5-5") == ["a: eof 2-2", "a: sequence 4-4"]
    assert holes("a 1-1", left_out, "a 3-3") == ["a: sequence 2-2"]


def test_a_loss_that_cost_nothing_is_no_excuse_for_later() -> None:
    assert holes("a 1-1", lost(), "a 2-2", "a 4-4") == ["a: sequence 3-3"]
    assert holes("a 1-1", lost("a"), "a 2-2", "a 4-4") == ["a: sequence 3-3"]


def test_what_comes_again_is_no_hole() -> None:
    assert holes("a 9-10", "a 5-5", "a 11-11", "a 12-12") == []
    assert holes("a 9-10", "a 5-5", "a 6-6", "a 13-13") == ["a: sequence 11-12"]


def test_numbers_that_begin_anew_are_followed() -> None:
    assert holes("a 1000-1000", "a 1-1", "a 2-2", "a 4-4") == ["a: sequence 3-3"]


def test_messages_without_numbers_and_streams_that_nobody_wants_say_nothing() -> None:
    assert holes("a 1-1", "a hello", "a 2-2", "c 1-1", "c 5-5") == []
    assert holes("a 1-1", "a hello", "a 3-3") == ["a: sequence 2-2"]


def test_a_stream_that_is_wanted_again_begins_anew_and_sizes_are_those_of_the_parts() -> None:
    passed: list[tuple[list[str], int]] = []
    gaps: list[Gap] = []
    sequences = Sequences(
        ["a"], lambda batch, size, _: passed.append(([str(one.text) for one in batch], size)), gaps.append
    )
    sequences.put([Numbered("a", "1-1"), Numbered("a", "4-4")], 10, 0.0)
    assert passed == [(["1-1"], 3), (["4-4"], 7)]
    sequences.forget(["a"])
    sequences.put([Numbered("a", "9-9"), Numbered("a", "10-10")], 8, 0.0)
    assert passed[2:] == [(["9-9", "10-10"], 8)]
    assert len(gaps) == 1


@given(st.lists(st.booleans(), max_size=40), st.sets(st.integers(0, 39)))
def test_every_hole_is_told_and_no_other(kept: list[bool], cuts: set[int]) -> None:
    """Each of the messages 0, 1, 2 ... comes, or does not."""
    given: list[str | Gap] = []
    expected: list[str] = []
    last, cut = None, False
    for number, comes in enumerate(kept):
        if number in cuts:
            given.append(lost())
            cut = True
        if comes:
            given.append(f"a {number}-{number}")
            if last is not None and number > last + 1:
                expected.append(f"a: {'eof' if cut else 'sequence'} {last + 1}-{number - 1}")
            last, cut = number, False
    assert holes(*given) == expected


# In a feed


def at_binance(*streams: str, options: FeedOptions | None = None) -> Voyage:
    source = binance.spot(*streams, endpoint=f"ws://{HOST}/stream")
    return Voyage(source, BinanceSpot(), streams, rate=4.0, options={**CHECKED, **(options or {})})


def agree(voyage: Voyage, most: int | None = None) -> list[Gap]:
    """Whatever is missing of trades stands in a gap, in its place. The gaps with numbers."""
    found = [gap for gap in voyage.of(Gap) if gap.first_missing is not None]
    missing = {number for gap in found if gap.stream == TRADE for number in range(*_ends(gap))}
    numbers = [json.loads(one.data)["t"] for one in voyage.of(Update) if one.stream == TRADE]
    assert numbers == sorted(set(numbers))
    assert missing == set(range(numbers[0], numbers[-1])) - set(numbers)
    behind: dict[str | None, Gap] = {}
    for item in voyage.items:
        if isinstance(item, Gap) and item.first_missing is not None:
            behind[item.stream] = item
        elif isinstance(item, Update) and (gap := behind.pop(item.stream, None)) is not None:
            assert gap.last_missing is not None
            assert item.sequence is not None
            assert item.sequence[0] == gap.last_missing + 1
    return found


def _ends(gap: Gap) -> tuple[int, int]:
    assert gap.first_missing is not None
    assert gap.last_missing is not None
    return gap.first_missing, gap.last_missing + 1


def test_a_service_that_skips_is_found_out() -> None:
    voyage = at_binance(DEPTH, TRADE).run(5.0).strike(MuteData(2.0)).run(5.0)
    gaps = agree(voyage)
    assert {(gap.stream, gap.cause.cause) for gap in gaps} == {(DEPTH, Cause.SEQUENCE), (TRADE, Cause.SEQUENCE)}
    assert all(gap.until - gap.since >= 2.0 for gap in gaps)
    assert voyage.of(Gap) == gaps


def test_a_cut_says_how_much_it_cost() -> None:
    voyage = at_binance(DEPTH, TRADE).run(5.0).strike(Reset()).run(5.0)
    gaps = agree(voyage)
    assert {(gap.stream, gap.cause.cause) for gap in gaps} == {(DEPTH, Cause.RESET), (TRADE, Cause.RESET)}
    assert next(gap for gap in voyage.of(Gap) if gap.stream is None).cause.cause is Cause.RESET


def test_a_rotation_leaves_no_hole() -> None:
    voyage = at_binance(DEPTH, TRADE).run(5.0)
    voyage.fleet.rotate(voyage.world.now)
    voyage._process.settle()
    voyage.run(10.0)
    assert voyage.of(Rotated)
    assert agree(voyage) == voyage.of(Gap) == []


def test_futures_name_the_number_before() -> None:
    source = binance.usdm("btcusdt@depth", endpoint=f"ws://{HOST}/public/stream")
    voyage = Voyage(source, BinanceUsdm(), ["btcusdt@depth"], rate=4.0, options=CHECKED)
    voyage.run(5.0).strike(MuteData(2.0)).run(5.0)
    (gap,) = voyage.of(Gap)
    numbers = [json.loads(update.data) for update in voyage.of(Update)]
    ((before, behind),) = [(one["u"], then["pu"]) for one, then in pairwise(numbers) if then["pu"] != one["u"]]
    assert (gap.first_missing, gap.last_missing) == (before + 1, behind)


def test_it_is_off_until_asked_for() -> None:
    voyage = at_binance(DEPTH, TRADE, options={"check_sequences": False}).run(5.0).strike(MuteData(2.0)).run(5.0)
    assert voyage.of(Gap) == []


def test_without_a_dialect_there_are_no_numbers() -> None:
    assert FeedConfig.build(binance.spot("btcusdt@trade"), {"check_sequences": True}).check_sequences
    with pytest.raises(ConfigError, match="without a dialect"):
        FeedConfig.build("ws://example.com", {"check_sequences": True})
    with pytest.raises(ConfigError, match="check_sequences = 1: must be True or False"):
        FeedConfig.build(binance.spot("btcusdt@trade"), {"check_sequences": 1})  # type: ignore[typeddict-item]


# Numbers of a connection


def at_coinbase(options: FeedOptions | None = None) -> Voyage:
    streams = ("ticker:BTC-USD", "market_trades:BTC-USD")
    source = coinbase.advanced(*streams, endpoint=f"ws://{HOST}/")
    return Voyage(source, Coinbase(), streams, rate=4.0, options=options, weather=Weather(delay=0.0625))


def test_a_number_that_a_connection_left_out_is_a_gap_in_everything() -> None:
    voyage = at_coinbase().run(5.0).strike(LoseData(0.2)).run(5.0)
    (gap,) = voyage.of(Gap)
    assert (gap.stream, gap.cause.cause) == (None, Cause.SEQUENCE)
    place = voyage.items.index(gap)
    before = next(item.position for item in voyage.items[place::-1] if isinstance(item, Update))
    behind = next(item.position for item in voyage.items[place:] if isinstance(item, Update))
    assert before is not None
    assert behind is not None
    assert gap.first_missing is not None
    assert gap.last_missing is not None
    assert before < gap.first_missing <= gap.last_missing < behind


def test_controls_have_numbers_too_and_a_new_connection_counts_anew() -> None:
    voyage = at_coinbase().run(30.0).strike(Reset()).run(30.0)
    assert [gap.cause.cause for gap in voyage.of(Gap) if gap.cause.cause is not Cause.RESET] == []


class Outlet:
    """What a delivery tells."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.emit = self.events.append

    def put(self, messages: object, nbytes: int, now: float) -> None:
        raise AssertionError("there are no messages")


@pytest.mark.parametrize("others", [(), (2,)])
def test_what_is_left_out_is_declared_where_no_other_connection_carries_anything(others: tuple[int, ...]) -> None:
    """Nor this one, any more: what it left out came before it was asked to drop the last of its streams."""
    outlet, config = Outlet(), FeedConfig.build(coinbase.advanced("ticker:BTC-USD"), {"legs": 2})
    delivery = Delivery(outlet, config, Tally(), {}, {}, {}, 10.0)
    for conn in (1, *others):
        delivery.dialled(SimpleNamespace(tally=LegTally()), SimpleNamespace(conn=conn))  # type: ignore[arg-type]
    delivery.missed(SimpleNamespace(conn=1), 1, 4, 5.0, 6.0)  # type: ignore[arg-type]
    (gap,) = outlet.events
    assert (gap.stream, gap.first_missing, gap.last_missing, gap.since, gap.until) == (None, 1, 4, 5.0, 6.0)


def two_connections(messages: Iterable[int] = ()) -> Merge:
    """Both are sure of `a`; the first brought these, and the second has still to bring them."""
    merge = Merge(by_stream=True, overlap=10.0, bound=1_000_000)
    for conn in (1, 2):
        merge.add(conn, LegTally())
        merge.carries(conn, ["a", "b"], 0.0)
    merge.ponged(1, 1.0, 1.0)
    assert merge.is_sure(2, "a")
    merge.put(1, numbered(*messages), 100, 2.0)
    return merge


def numbered(*numbers: int) -> list[Message]:
    return [Numbered("a", f"{number}-{number}") for number in numbers]


def texts(messages: Iterable[Message]) -> list[str]:
    return [str(one.text).partition("-")[0] for one in messages if isinstance(one, Update)]


def test_who_left_something_out_has_to_prove_itself_anew() -> None:
    merge = two_connections([1])
    assert merge.doubt(2, 3.0) == []
    assert not merge.is_sure(2, "a")
    assert not merge.is_sure(2, "b")
    merge.ponged(1, 2.5, 4.0)
    assert not merge.is_sure(2, "a")
    merge.ponged(1, 3.5, 4.0)
    assert merge.is_sure(2, "a")
    assert merge.is_sure(2, "b")


def test_what_it_held_before_proves_nothing() -> None:
    merge = two_connections()
    merge.doubt(2, 3.0)
    assert merge.put(2, numbered(1), 100, 3.0) == []
    merge.doubt(2, 4.0)
    assert merge.put(2, numbered(3), 100, 4.0) == []
    assert texts(merge.put(1, numbered(1, 2, 3), 100, 5.0)) == ["1", "2", "3"]


def test_what_nobody_else_is_sure_of_is_lost() -> None:
    merge = two_connections()
    merge.doubt(2, 3.0)
    assert sorted(map(str, merge.doubt(1, 3.0))) == ["a", "b"]
    assert merge.is_sure(1, "a")


def test_in_a_rotation_the_old_one_is_all_there_is() -> None:
    voyage = at_coinbase().run(10.0)
    voyage.fleet.rotate(voyage.world.now)
    voyage._process.settle()
    voyage.strike(LoseData(0.2)).run(5.0)
    assert voyage.of(Rotated)
    (gap,) = voyage.of(Gap)
    assert (gap.stream, gap.cause.cause) == (None, Cause.SEQUENCE)


def test_another_connection_fills_it() -> None:
    voyage = at_coinbase({"legs": 2}).run(20.0)
    first = next(iter(voyage.exchange._connections.values()))
    first.struck(FaultRecord(LoseData(0.2), voyage.world.now, 1), voyage.world.now)
    voyage.run(5.0)
    assert voyage.of(Gap) == []
    (filled,) = voyage.fleet.gaps
    assert filled.cause.cause is Cause.SEQUENCE
    assert filled.filled_by is not None
    ids = [
        one["trade_id"] for update in voyage.of(Update) for event in update.json() for one in event.get("trades", [])
    ]
    assert [int(one) for one in ids[-40:]] == list(range(int(ids[-40]), int(ids[-40]) + 40))
