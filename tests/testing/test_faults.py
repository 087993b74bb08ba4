"""Every fault, felt by the real client machine: the outage is declared, and the ledger balances."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from holdfast import (
    Cause,
    ConnectFailed,
    Disconnected,
    Event,
    FeedOptions,
    Gap,
    Keepalive,
    PongReceived,
    RetryScheduled,
    Staleness,
)
from holdfast.testing import CloseWith, Exchange, Fault, GoSilent, IgnorePings, MuteData, RefuseDials, Reset, ResetOne
from holdfast_cli.ledger import Audit, Entry, audit
from testing.link import STREAMS, Link

RATE = 12  # messages/s of both streams together


def log_of(link: Link) -> list[Entry]:
    log: list[Entry] = []
    for item in link.items:
        if isinstance(item, Gap):
            log.append(item)
        elif not isinstance(item, Event):
            message = json.loads(item)
            log.append((message["stream"], message["data"]["t"]))
    return log


def audit_of(link: Link) -> Audit:
    return audit(list(link.exchange.ledger.publications), log_of(link))


def events(link: Link, kind: type[Event], since: float = 0.0, until: float = 1e9) -> list[Event]:
    return [item for item in link.items if isinstance(item, kind) and since <= item.at < until]


def causes(link: Link) -> list[Cause]:
    return [item.cause.cause for item in link.items if isinstance(item, Gap)]


@pytest.mark.parametrize("latency", [0.0, 0.25])
@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([], []),
        ([Reset()], [Cause.RESET]),
        ([GoSilent(6)], [Cause.PONG_TIMEOUT]),
        ([MuteData(6)], [Cause.NO_DATA]),
        ([CloseWith(1001, "maintenance")], [Cause.CLOSED]),
        ([Reset(), RefuseDials(1.5, retry_after=2)], [Cause.RESET]),
        ([IgnorePings(6)], []),
    ],
)
def test_the_ledger_balances(faults: list[Fault], expected: list[Cause], latency: float) -> None:
    link = Link([(3, fault) for fault in faults], latency=latency).run(15).finish()
    audited = audit_of(link)
    total = audited.total
    assert link.fleet.is_open
    assert causes(link) == expected
    assert [record.fault for record in link.exchange.faults] == faults
    assert all(record.hits for record in link.exchange.faults)
    assert (total.undeclared, total.duplicated, total.displaced, audited.invented) == (0, 0, 0, 0)
    assert bool(total.declared) == bool(expected)
    assert total.received > RATE * 8


def test_all_of_them_in_a_row() -> None:
    faults = [Reset(), GoSilent(9), MuteData(9), CloseWith(1012), IgnorePings(4), Reset(), GoSilent(9)]
    link = Link([(3 + 6 * number, fault) for number, fault in enumerate(faults)]).run(50).finish()
    assert causes(link) == [
        Cause.RESET,
        Cause.PONG_TIMEOUT,
        Cause.NO_DATA,
        Cause.CLOSED,
        Cause.RESET,
        Cause.PONG_TIMEOUT,
    ]
    assert audit_of(link).total.undeclared == 0
    assert all(record.hits for record in link.exchange.faults)


def test_what_is_in_flight_at_a_reset_is_lost() -> None:
    link = Link([(3, Reset())], latency=0.25).run(8).finish()
    (record, _) = link.exchange.ledger.connections
    (gap,) = audit_of(link).gaps
    before = next(at for at, entry in enumerate(log_of(link)) if isinstance(entry, Gap))
    assert record.ended_at == 3
    assert before < record.written.total()
    assert gap.lost >= record.written.total() - before


def test_a_silent_connection_sends_nothing_until_it_is_over() -> None:
    # The client is told to bear it: the same connection goes on afterwards, and the loss is nobody's declared gap.
    patient: FeedOptions = {"keepalive": Keepalive(interval=1.0, timeout=60.0), "staleness": Staleness(after=None)}
    link = Link([(3, GoSilent(2))], patient).run(8).finish()
    (record,) = link.exchange.ledger.connections
    assert events(link, PongReceived, 3, 5) == []
    assert len(events(link, PongReceived, 5)) >= 2
    assert audit_of(link).total.undeclared == pytest.approx(2 * RATE, abs=1)
    # Held back: the messages of two seconds, and the pong to the one ping of that time (it stays unanswered).
    assert link.exchange.faults[0].hits == audit_of(link).total.undeclared + 1
    assert record.ended_at is None


def test_muted_data_leaves_pongs_alone() -> None:
    patient: FeedOptions = {"staleness": Staleness(after=None)}
    link = Link([(3, MuteData(2))], patient).run(8).finish()
    (record,) = link.exchange.ledger.connections
    assert len(events(link, PongReceived, 3, 5)) == 2
    assert events(link, Disconnected) == []
    assert audit_of(link).total.undeclared == pytest.approx(2 * RATE, abs=1)
    assert record.written.total() == audit_of(link).total.received


def test_ignored_pings_cost_nothing() -> None:
    link = Link([(3, IgnorePings(4))]).run(10).finish()
    (record,) = link.exchange.ledger.connections
    assert events(link, PongReceived, 3, 7) == []
    assert len(events(link, PongReceived, 7)) >= 2
    assert link.exchange.faults[0].hits >= 3
    assert audit_of(link).total.lost == 0
    assert record.answered == len(events(link, PongReceived))


@pytest.mark.parametrize("fault", [GoSilent(30), MuteData(30)])
def test_a_connection_made_later_is_healthy(fault: Fault) -> None:
    link = Link([(3, fault)]).run(12).finish()
    first, second = link.exchange.ledger.connections
    assert first.ended_at is not None
    assert second.ended_at is None
    assert second.written.total() > RATE * 4


def test_refused_dials_are_told_when_to_come_back() -> None:
    link = Link([(3, Reset()), (3, RefuseDials(5, 503, retry_after=2))]).run(12)
    refused = [item for item in link.items if isinstance(item, ConnectFailed)]
    waits = [item.delay for item in link.items if isinstance(item, RetryScheduled) and item.failure.status == 503]
    assert [item.failure.header("retry-after") for item in refused] == ["2", "2"]
    assert {item.failure.status for item in refused} == {503}
    assert all(wait > 2 for wait in waits)
    assert link.exchange.faults[1].hits == len(refused)
    assert link.fleet.is_open


def test_refused_dials_without_retry_after() -> None:
    link = Link([(3, Reset()), (3, RefuseDials(0.5))]).run(6)
    (refused,) = [item for item in link.items if isinstance(item, ConnectFailed)]
    assert refused.failure.status == 429
    assert refused.failure.header("retry-after") is None
    assert link.fleet.is_open


def test_refusing_dials_leaves_open_connections_alone() -> None:
    link = Link([(3, RefuseDials(5))]).run(10).finish()
    assert events(link, Disconnected) == []
    assert link.exchange.faults[0].hits == 0
    assert audit_of(link).total.lost == 0


def test_a_close_frame_is_the_one_that_was_asked_for() -> None:
    link = Link([(3, CloseWith(4007, "try elsewhere"))]).run(6)
    (lost,) = [item for item in link.items if isinstance(item, Disconnected)]
    first = link.exchange.ledger.connections[0]
    assert (lost.failure.code, lost.failure.detail) == (4007, "try elsewhere")
    assert first.ended_at == 3


def test_struck_faults_are_told_once_and_in_order() -> None:
    link = Link([(4, Reset()), (3, IgnorePings(1))]).run(3.5)
    assert [(record.at, record.fault) for record in link.exchange.take_struck()] == [(3, IgnorePings(1))]
    assert link.exchange.take_struck() == []
    link.run(1)
    assert [(record.at, record.connections) for record in link.exchange.take_struck()] == [(4, 1)]


def test_a_fault_can_strike_at_will() -> None:
    link = Link().run(3)
    link.exchange.strike(Reset(), 3.0)
    link.run(3).finish()
    assert causes(link) == [Cause.RESET]
    assert [(record.at, record.hits) for record in link.exchange.take_struck()] == [(3, 1)]
    assert link.exchange.ledger.connections[0].ended_at == 3


def test_one_connection_is_reset_and_the_others_go_on() -> None:
    link = Link(options={"legs": 3}).run(3)
    link.exchange.strike(ResetOne(4), 3.0)
    assert [record.ended_at for record in link.exchange.ledger.connections] == [None, 3.0, None]
    assert link.exchange.open_connections == 2
    (record,) = link.exchange.take_struck()
    assert (record.connections, record.hits, str(record.fault)) == (3, 1, "resets one connection")
    assert ResetOne(4).chosen([]) == []


def test_the_script_counts_from_the_start_and_strikes_even_if_nobody_is_there() -> None:
    exchange = Exchange(STREAMS, [(2.0, Reset())])
    exchange.start(100.0)
    exchange.tick(103.0)
    (record,) = exchange.faults
    assert (record.at, record.connections, record.hits) == (102.0, 0, 0)


def test_forgiven_faults_are_over() -> None:
    patient: FeedOptions = {"staleness": Staleness(after=None)}
    link = Link([(3, MuteData(60))], patient).run(4)
    link.exchange.forgive(4.0)
    link.run(4).finish()
    assert link.exchange.faults[0].until == 4.0
    assert audit_of(link).total.undeclared == pytest.approx(RATE, abs=1)


def test_no_fault_strikes_after_the_market_closed() -> None:
    link = Link([(5, Reset())]).run(4).finish().run(4)
    assert link.exchange.faults == []
    assert len(events(link, PongReceived, 4)) >= 2


def test_faults_are_data_and_say_what_they_do() -> None:
    assert replace(GoSilent(4), seconds=0.5) == GoSilent(0.5)
    assert str(GoSilent(0.5)) == "falls silent for 0.5 s: no data, no pongs"
    assert str(CloseWith(1001)) == "closes every connection with 1001"
    assert str(RefuseDials(1.5, retry_after=2)) == "refuses dials for 1.5 s with HTTP 429, Retry-After: 2"
