"""A short run of all that `make fuzz` does for long; seeds that once found something stay here."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace

import pytest
from fuzz.canaries import CANARIES, Canary
from fuzz.checkers import CHECKERS, Checker
from fuzz.effort import DAY, effort_of
from fuzz.jobs import Outcome, sail_twice
from fuzz.plan import HOUR, draw_plan
from fuzz.state_machine import FleetUnderInputs
from fuzz.stream_troubles import STREAM_TROUBLES
from fuzz.tally import Result, Tally
from fuzz.troubles import TROUBLES
from fuzz.voyage import Voyage, sail
from hypothesis import HealthCheck, settings

from holdfast import Fleet, Retry

# Promises without a checker of their own: 11 is what no exception may leave, 13 is the digest of two runs.
WITHOUT_CHECKER = {11, 13}


@pytest.mark.parametrize("seed", range(24))
def test_a_voyage_keeps_every_promise(seed: int):
    log = sail(draw_plan(seed, tuple(TROUBLES)).first(HOUR))
    assert log.dials > 0


class AwakeInTime(Checker):
    """Whatever an input led to, the fleet knows the earliest deadline of its shards, though it does not always ask."""

    promise = 3

    def on_settled(self, machine: Fleet, now: float) -> None:  # type: ignore[override]  # it is one
        earliest = min((shard.next_deadline() for shard in machine._by_conn.values()), default=math.inf)
        if earliest < machine._shards.agenda.next:
            self.fail(f"a shard is due at {earliest}, and the fleet wakes at {machine._shards.agenda.next}")


def test_no_deadline_is_overlooked():
    plans = [draw_plan(seed, tuple(TROUBLES)).first(HOUR / 2) for seed in range(300)]
    spoken = [plan for plan in plans if plan.spoken is not None]
    counted = [plan for plan in spoken if plan.spoken and plan.spoken.limits.counts and plan.overlaps]
    losing = [replace(plan, pauses={**plan.pauses, "lose_numbered": 60.0}) for plan in counted]
    for plan in [*spoken[:16], *losing[:8]]:
        assert Voyage(plan, [AwakeInTime]).sail().messages > 0


def test_voyages_meet_every_rule_and_few_at_a_time():
    plans = [draw_plan(seed, ()) for seed in range(300)]
    assert {rule for plan in plans for rule in plan.rules_in_force} == {
        "pong_timeout", "dial_limit", "max_age", "notice", "heartbeat", "silent", "fragment",
        "message_limit", "subscribe_within", "max_streams", "compress",
    }  # fmt: skip
    assert sum(len(plan.rules_in_force) <= 2 for plan in plans) > 180


def test_some_voyages_have_streams_and_their_troubles():
    plans = [draw_plan(seed, tuple(TROUBLES)) for seed in range(300)]
    with_streams = [plan for plan in plans if plan.spoken is not None]
    assert 90 < len(with_streams) < 150
    assert {kind for plan in with_streams for kind in plan.pauses} == set(TROUBLES)
    plain = {kind for plan in plans if plan.spoken is None for kind in plan.pauses}
    assert plain == TROUBLES.keys() - STREAM_TROUBLES.keys()
    assert {(plan.spoken.acks, plan.spoken.numbered) for plan in with_streams if plan.spoken} == {
        ("whole", True), ("each", True), ("each", False), ("snapshot", False),
    }  # fmt: skip


def test_some_voyages_have_several_connections_and_their_troubles():
    plans = [draw_plan(seed, tuple(TROUBLES)) for seed in range(300)]
    overlapping = [plan for plan in plans if plan.overlaps]
    assert 120 < len(overlapping) < 180
    assert {plan.options.get("legs", 1) for plan in overlapping} == {1, 2, 3}
    assert {kind for plan in overlapping for kind in plan.pauses} == set(TROUBLES)
    assert all(plan.config.rotation is None and plan.config.legs == 1 for plan in plans if not plan.overlaps)
    assert any(plan.config.rotation is None for plan in overlapping), "the user may rotate all the same"


def test_some_voyages_have_numbers_snapshots_and_several_endpoints():
    plans = [draw_plan(seed, tuple(TROUBLES)) for seed in range(300)]
    traits = Counter(trait for plan in plans for trait in plan.traits)
    assert 40 < traits["numbers"] < 100
    assert min(traits.values()) > 10
    assert {kind for plan in plans for kind in plan.pauses} == set(TROUBLES)
    assert all(plan.rules.dial_limit is None for plan in plans if plan.doors.count > 1)


def test_as_much_happens_in_each_voyage_and_quiet_ones_take_weeks():
    plans = [draw_plan(seed, tuple(TROUBLES)) for seed in range(300)]
    efforts = sorted(effort_of(plan) * plan.seconds for plan in plans)
    assert efforts[len(efforts) // 2] == pytest.approx(efforts[len(efforts) // 4], rel=0.01)
    assert max(plan.seconds for plan in plans) > 7 * DAY
    assert min(plan.rate for plan in plans) < 0.02
    assert max(plan.rate for plan in plans) > 90


def test_a_feed_that_has_ended_by_itself_ends_its_voyage():
    plan = draw_plan(0, ("policy_close",), 7 * DAY, plain=True, single=True)
    plan = replace(plan, options={**plan.options, "retry": Retry(max_policy_closes=1)}, pauses={"policy_close": 60.0})
    assert sail(plan).seconds < DAY


def test_a_run_is_added_up():
    tally = Tally()
    outcomes = [
        Outcome("", 7200.0, 3, Counter(reset=2), ("heartbeat",), ("legs",)),
        Outcome("", 1800.0, 1, Counter(reset=1)),
    ]
    tally.add(Result("voyage", 1, 0.5, outcomes[0], None))
    tally.add(Result("twice", 2, 0.25, outcomes[1], None))
    tally.add(failed := Result("machine", 3, 0.1, None, "AssertionError"))
    report = tally.report(failed)
    assert report == {
        "hours": 2.5,
        "jobs": {"voyage": 1, "twice": 1, "machine": 1},
        "dials": 4,
        "troubles": {"reset": 3},
        "rules": {"heartbeat": 2.0},
        "traits": {"legs": 2.0},
        "promises": {**dict.fromkeys(map(str, range(1, 13)), 2.5), "13": 0.5},
        "found": {"problem": "AssertionError", "way_back": "python -m fuzz machine 3"},
    }
    assert "heartbeat 2 h" in tally.summary()
    assert "with: legs 2 h" in tally.summary()
    assert json.loads(json.dumps(report)) == report


def test_the_same_seed_goes_the_same_way():
    assert "twice the same" in str(sail_twice(4, hours=0.5))


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_planted_fault_is_noticed(canary: Canary):
    noticed = (violation.promise for seed in range(12) if (violation := canary.sing(seed)) is not None)
    assert canary.expects in noticed


def test_every_checker_has_a_canary():
    assert {checker.promise for checker in CHECKERS} | WITHOUT_CHECKER == {canary.expects for canary in CANARIES}


class TestAnyInputsInAnyOrder(FleetUnderInputs.TestCase):  # type: ignore[misc,valid-type]
    """Also what HypoFuzz finds here."""

    settings = settings(stateful_step_count=40, suppress_health_check=list(HealthCheck))
