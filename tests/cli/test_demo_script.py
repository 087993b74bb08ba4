"""The script, played in simulated time by the real machines: at every length it proves what it is to prove."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from holdfast import Event, Gap
from holdfast.testing import CloseWith, GoSilent, IgnorePings, MuteData, RefuseDials, Reset
from holdfast_cli.demo_run import Observer, Outcome
from holdfast_cli.demo_script import MAX_SECONDS, MIN_SECONDS, SECONDS, SETTINGS, STREAMS, Script
from holdfast_cli.demo_verdict import problems
from holdfast_cli.ledger import audit
from testing.link import Link


def play(script: Script, seed: int = 1) -> Outcome:
    link = Link(script.faults(), SETTINGS, latency=0.001, streams=STREAMS, seed=seed).run(script.seconds).finish()
    observer = Observer(lambda _event: None)
    for item in link.items:
        observer.note(item)
    ledger = link.exchange.ledger
    published = list(ledger.publications)
    return Outcome(
        transport="simulated",
        script=script,
        published=published,
        forgotten=ledger.forgotten,
        faults=link.exchange.faults,
        log=observer.log,
        stats=link.fleet.stats(link.now),
        drained=observer.last == published[-1][:2],
        gave_up=None,
    )


def found_in(outcome: Outcome) -> list[str]:
    return problems(outcome, audit(outcome.published, outcome.log))


@pytest.mark.parametrize("seconds", [MIN_SECONDS, SECONDS, 60.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_succeeds_at_every_length(seconds: float, seed: int) -> None:
    outcome = play(Script.of_length(seconds), seed)
    assert found_in(outcome) == []
    assert audit(outcome.published, outcome.log).total.declared > 300


def test_it_has_every_fault() -> None:
    kinds = {type(scene.fault) for scene in Script.of_length(SECONDS).scenes}
    assert kinds == {Reset, GoSilent, MuteData, RefuseDials, CloseWith, IgnorePings}


@pytest.mark.parametrize("seconds", [MIN_SECONDS, SECONDS, MAX_SECONDS])
def test_faults_are_over_before_the_end(seconds: float) -> None:
    script = Script.of_length(seconds)
    ends = [scene.at + scene.fault.lasts for scene in script.scenes]
    assert [scene.at for scene in script.scenes] == sorted(scene.at for scene in script.scenes)
    assert seconds - max(ends) >= 1.0
    assert script.seconds == seconds


def test_stretching_moves_faults_and_their_ends() -> None:
    short, long = Script.of_length(SECONDS), Script.of_length(2 * SECONDS)
    assert [2 * scene.at for scene in short.scenes] == [scene.at for scene in long.scenes]
    assert [2 * scene.fault.lasts for scene in short.scenes] == [scene.fault.lasts for scene in long.scenes]
    assert short.cuts() == long.cuts()
    assert len(short.cuts()) == 5


def test_all_that_the_longest_script_publishes_is_kept() -> None:
    assert sum(stream.rate for stream in STREAMS) * MAX_SECONDS < 100_000
    assert 100 <= sum(stream.rate for stream in STREAMS) <= 200


def test_a_client_that_does_not_notice_a_mute_is_found_out() -> None:
    script = Script.of_length(SECONDS)
    mute = next(scene for scene in script.scenes if isinstance(scene.fault, MuteData))
    short = replace(mute, fault=MuteData(1.0))  # too short for the feed to see, so that nobody declares the loss
    outcome = play(replace(script, scenes=(short,)))
    assert found_in(outcome) == [
        "messages lost outside of every declared gap: 150",
        "0 gaps were declared for 1 cuts",
    ]


def test_unreadable_messages_count_as_invented() -> None:
    outcome = play(Script(2.0, ()))
    assert found_in(outcome) == []
    observer = Observer(lambda _event: None)
    for message in ("}", "[]", "{}", '{"stream":"a"}', b"\xff"):
        observer.note(message)
    assert "messages delivered that were never published: 5" in found_in(
        replace(outcome, log=[*observer.log, *outcome.log])
    )


def test_the_observer_logs_messages_and_gaps_in_order_and_tells_of_events() -> None:
    link = Link([(1.0, Reset())]).run(4.0)
    told: list[Event] = []
    observer = Observer(told.append)
    for item in link.items:
        observer.note(item)
    wanted = [item for item in link.items if isinstance(item, str | Gap)]
    assert [one if isinstance(one, Gap) else one[1] for one in observer.log] == [
        one if isinstance(one, Gap) else json.loads(one)["data"]["t"] for one in wanted
    ]
    assert [type(event).__name__ for event in told] == [
        "Connecting",
        "Connected",
        "Disconnected",
        "RetryScheduled",
        "Connecting",
        "Connected",
        "Gap",
    ]
