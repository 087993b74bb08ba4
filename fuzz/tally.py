"""What a whole run comes to: hours, jobs, troubles and rules, and how long each promise was kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fuzz.checkers import CHECKERS
from fuzz.jobs import Outcome

_HOUR = 3600.0
_DAY = 24 * _HOUR
_NOTHING_RAISED, _SAME_OUTPUTS = 11, 13  # promises without a checker of their own


@dataclass(frozen=True)
class Result:
    """Of one job; `problem` is a traceback."""

    kind: str
    seed: int
    took: float
    outcome: Outcome | None
    problem: str | None

    @property
    def way_back(self) -> str:
        return f"python -m fuzz {self.kind} {self.seed}"


@dataclass
class Tally:
    """`simulated`, `rules` and `traits` count simulated seconds: of each kind of job, under each rule of a service, and
    of voyages that have what others do not.
    """

    jobs: Counter[str] = field(default_factory=Counter[str])
    simulated: Counter[str] = field(default_factory=Counter[str])
    dials: int = 0
    troubles: Counter[str] = field(default_factory=Counter[str])
    rules: Counter[str] = field(default_factory=Counter[str])
    traits: Counter[str] = field(default_factory=Counter[str])
    slowest: Result | None = None

    def add(self, result: Result) -> None:
        self.jobs[result.kind] += 1
        if (outcome := result.outcome) is not None:
            seconds = round(outcome.simulated)
            self.simulated[result.kind] += seconds
            self.dials += outcome.dials
            self.troubles += outcome.troubles
            self.rules.update(dict.fromkeys(outcome.rules, seconds))
            self.traits.update(dict.fromkeys(outcome.traits, seconds))
        if self.slowest is None or result.took > self.slowest.took:
            self.slowest = result

    def __str__(self) -> str:
        jobs = ", ".join(f"{count} {kind}" for kind, count in sorted(self.jobs.items()))
        text = f"{self.simulated.total() / _DAY:.1f} simulated days, {jobs or 'no job yet'}, {self.dials} dials"
        text += f", {self.troubles.total()} troubles, {len(self.rules)} rules"
        if self.slowest is not None:
            text += f", slowest: {self.slowest.kind} {self.slowest.seed} ({self.slowest.took:.1f} s)"
        return text

    def promises(self) -> dict[int, float]:
        """For how many simulated hours somebody watched over each."""
        hours = self.simulated.total() / _HOUR
        watched = {checker.promise for checker in CHECKERS} | {_NOTHING_RAISED}
        return {**dict.fromkeys(sorted(watched), hours), _SAME_OUTPUTS: self.simulated["twice"] / _HOUR}

    def summary(self) -> str:
        """The lines at the end of a run."""
        troubles = ", ".join(f"{kind} {count}" for kind, count in self.troubles.most_common())
        rules, traits = _in_hours(self.rules), _in_hours(self.traits)
        promises = ", ".join(f"{number} {hours:.0f} h" for number, hours in self.promises().items())
        lines = {"troubles": troubles, "rules": rules, "with": traits, "promises": promises}
        return "\n".join(f"{what}: {told or 'none'}" for what, told in lines.items())

    def report(self, failed: Result | None) -> dict[str, object]:
        """The same for programs, in simulated hours. `found`: None, or what broke and the way back to it."""
        return {
            "hours": self.simulated.total() / _HOUR,
            "jobs": dict(self.jobs),
            "dials": self.dials,
            "troubles": dict(self.troubles),
            "rules": {name: seconds / _HOUR for name, seconds in self.rules.items()},
            "traits": {name: seconds / _HOUR for name, seconds in self.traits.items()},
            "promises": {str(number): hours for number, hours in self.promises().items()},
            "found": None if failed is None else {"problem": failed.problem, "way_back": failed.way_back},
        }


def _in_hours(seconds: Counter[str]) -> str:
    return ", ".join(f"{name} {each / _HOUR:.0f} h" for name, each in seconds.most_common())
