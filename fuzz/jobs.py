"""What a worker does with a seed. Each raises what it found; each can be run again alone with the same seed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.stateful import run_state_machine_as_test

from fuzz.checkers import Violation
from fuzz.plan import HOUR, draw_plan
from fuzz.state_machine import FleetUnderInputs
from fuzz.troubles import TROUBLES
from fuzz.voyage import sail


@dataclass
class Outcome:
    """What a job has to tell of itself."""

    summary: str
    simulated: float = 0.0  # seconds
    dials: int = 0
    troubles: Counter[str] = field(default_factory=Counter[str])
    rules: tuple[str, ...] = ()  # of the service
    traits: tuple[str, ...] = ()  # what only some voyages have

    def __str__(self) -> str:
        return self.summary


def sail_voyage(seed: int, hours: float | None = None) -> Outcome:
    """One voyage, all promises."""
    plan = draw_plan(seed, tuple(TROUBLES), hours * HOUR if hours is not None else None)
    try:
        log = sail(plan)
    except Violation as violation:
        violation.add_note(f"The voyage: {plan}")
        raise
    summary = f"{plan}: {log.messages} messages, {log.dials} dials"
    return Outcome(summary, log.seconds, log.dials, log.troubles, plan.rules_in_force, plan.traits)


def sail_twice(seed: int, hours: float | None = None) -> Outcome:
    """The first two hours of a voyage, twice: the same seed must go the same way (promise 13)."""
    plan = draw_plan(seed, tuple(TROUBLES), hours * HOUR if hours is not None else None)
    if hours is None:
        plan = plan.first(2 * HOUR)
    first, second = sail(plan), sail(plan)
    if first.digest != second.digest:
        raise Violation(13, f"the same seed went two ways: {plan}", 0.0)
    seconds, troubles = first.seconds + second.seconds, first.troubles + second.troubles
    return Outcome(f"{plan}: twice the same", seconds, 2 * first.dials, troubles, plan.rules_in_force, plan.traits)


def run_machine(seed: int) -> Outcome:
    """A Hypothesis state machine over the fleet."""
    quiet = settings(
        max_examples=150,
        stateful_step_count=60,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(hypothesis_seed(seed)(FleetUnderInputs), settings=quiet)
    return Outcome("150 sequences of inputs")


def compare_readers(seed: int) -> Outcome:
    """The frame reader against wsproto and websockets: the properties of tests/wire, with more examples."""
    quiet = settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    tests = [
        test for name, test in vars(reader_tests()).items() if name.startswith("test_") and is_hypothesis_test(test)
    ]
    for test in tests:
        quiet(hypothesis_seed(seed)(test))()
    return Outcome(f"{len(tests)} properties, 150 streams each")


def reader_tests() -> ModuleType:
    """Loaded by its file, because tests are no package."""
    root = Path(__file__).parent.parent / "tests"
    sys.path.insert(0, str(root))
    try:
        path = root / "wire" / "test_reader_against_references.py"
        spec = spec_from_file_location("reader_against_references", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(root))
    return module


JOBS: dict[str, Callable[..., Any]] = {
    "voyage": sail_voyage,
    "twice": sail_twice,
    "machine": run_machine,
    "readers": compare_readers,
}
