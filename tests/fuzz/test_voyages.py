"""A short run of all that `make fuzz` does for long; seeds that once found something stay here."""

from __future__ import annotations

import pytest
from fuzz.canaries import CANARIES, Canary
from fuzz.checkers import CHECKERS
from fuzz.jobs import sail_twice
from fuzz.plan import HOUR, draw_plan
from fuzz.state_machine import FleetUnderInputs
from fuzz.troubles import TROUBLES
from fuzz.voyage import sail
from hypothesis import HealthCheck, settings

# Promises without a checker of their own: 11 is what no exception may leave, 13 is the digest of two runs.
WITHOUT_CHECKER = {11, 13}


@pytest.mark.parametrize("seed", range(24))
def test_a_voyage_keeps_every_promise(seed: int):
    log = sail(draw_plan(seed, tuple(TROUBLES), seconds=HOUR))
    assert log.dials > 0


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
