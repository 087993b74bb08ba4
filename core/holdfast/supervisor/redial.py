"""After a failure: where to dial next, and when; or not at all."""

from __future__ import annotations

import math

from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Failure
from holdfast.randomness import Randomness
from holdfast.records import dataclass
from holdfast.source import EndpointMaker, Target
from holdfast.supervisor.verdict import judge
from holdfast.verdicts import Action, Verdict

_STRUCK_OUT_FOR = 600.0  # seconds, while there is another place: what no retry seemed to help may have been mended


@dataclass(frozen=True, slots=True)
class Plan:
    """`delay` seconds until the next dial, or the reason for giving up. `followed`: where a redirect leads."""

    delay: float = 0.0
    give_up: str | None = None
    followed: Endpoint | None = None


class _Place:
    """One of the configured targets."""

    __slots__ = ("hopeless_until", "not_before", "policy_closes", "target")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.not_before = -math.inf  # what its server asked for
        # Since the last healthy connection:
        self.hopeless_until: float | None = None  # no retry can help; until it is tried all the same
        self.policy_closes = 0

    @property
    def is_hopeless(self) -> bool:
        return self.hopeless_until is not None


class Redial:
    """Counts what happened since the last healthy connection, and plans from it."""

    __slots__ = (
        "_choice",
        "_config",
        "_failures",
        "_places",
        "_random",
        "_redirects",
        "attempt",
        "target",
    )

    def __init__(self, config: FeedConfig, random: Randomness, first: int = 0) -> None:
        targets = config.targets[first:] + config.targets[:first]  # the preferred one first
        self.target: Target = targets[0]  # where the next dial goes
        self.attempt = 0  # dials since the last healthy connection
        self._config = config
        self._random = random
        self._places = [_Place(target) for target in targets]
        self._choice = 0  # which of them is to be dialled
        self._failures = 0  # since the last healthy connection
        self._redirects = 0  # since the last dial of a configured target

    @property
    def next_attempt(self) -> int:
        """The number of the next dial. One that follows a redirect belongs to the same attempt."""
        return self.attempt if self._redirects else self.attempt + 1

    def dialling(self) -> None:
        """A dial goes out."""
        self.attempt = self.next_attempt

    def not_dialled(self) -> None:
        """It did not go out after all."""
        self.attempt -= 1

    def rotating(self, now: float, *, healthy: bool, elsewhere: bool) -> None:
        """A connection is to be replaced while it goes on. `elsewhere`: at another place, if there is one."""
        if healthy:
            self._start_anew()
        if elsewhere:
            self._choose(self._choice + 1, now)

    def move(self, now: float) -> bool:
        """Between two dials: prefer another place from now on, if there is one that is to be had now."""
        count = len(self._places)
        ring = [(self._choice + step) % count for step in range(count)]  # where the next dial goes, if not where it was
        choice = next(
            (one for one in ring if one and not self._places[one].is_hopeless and self._places[one].not_before <= now),
            None,
        )
        if choice is None:
            return False
        self._places = self._places[choice:] + self._places[:choice]
        self._choice = 0
        self._go_home()
        return True

    def opened(self) -> None:
        """A handshake succeeded. That alone proves nothing: the counters stay."""
        self._go_home()

    def after(
        self,
        failure: Failure,
        now: float,
        wall_now: float,
        *,
        endpoint: Endpoint | None,
        healthy: bool = False,
        own: Verdict | None = None,
    ) -> Plan:
        """What to do now. `endpoint`: where it happened. `healthy`: on a connection that had proven itself. `own`: what
        the dialect says of it.
        """
        verdict = self._judge(failure, wall_now, own)
        if verdict.action is Action.FOLLOW and endpoint is not None:
            followed = self._follow(endpoint, failure.header("location") or "")
            if isinstance(followed, Endpoint):
                return Plan(followed=followed)
            verdict = followed
        place = self._places[self._choice]
        if healthy:
            self._start_anew()
        self._failures += 1
        if reason := self._strike_out(place, verdict, now, final=failure.final):
            return Plan(give_up=reason)
        most = self._config.retry.max_attempts
        if most is not None and self.attempt >= most:
            return Plan(give_up=f"{self.attempt} dials without a healthy connection; that is Retry.max_attempts")
        place.not_before = now + verdict.wait
        self._choose(0 if healthy else self._choice + 1, now)
        # Behind what the server asked for, so that not all its clients come back at the same moment.
        pause = self._config.backoff.pause(self._failures, self._random.random())
        return Plan(delay=max(0.0, self._places[self._choice].not_before - now) + pause)

    def _judge(self, failure: Failure, wall_now: float, own: Verdict | None) -> Verdict:
        return own or judge(failure, wall_now, self._config.retry.retry_after_cap)

    def _start_anew(self) -> None:
        """A connection had proven itself: everything counts from zero again."""
        self.attempt = self._failures = 0
        for place in self._places:
            place.hopeless_until, place.policy_closes = None, 0

    def _strike_out(self, place: _Place, verdict: Verdict, now: float, *, final: bool) -> str:
        """Whether to dial that place again; the reason for giving up, if there is no other left either."""
        reason = ""
        may_change = isinstance(place.target, EndpointMaker) and not final
        if verdict.action is Action.GIVE_UP and not may_change:
            reason = verdict.reason
        elif verdict.policy or verdict.action is Action.GIVE_UP:
            place.policy_closes += 1
            most = self._config.retry.max_policy_closes
            if place.policy_closes >= most:
                times = f"{place.policy_closes} times without a healthy connection between"
                reason = f"{verdict.reason or 'refused in this way'}, {times}; Retry.max_policy_closes is {most}"
        place.hopeless_until = now + _STRUCK_OUT_FOR if reason else None
        return reason if final or all(one.is_hopeless for one in self._places) else ""

    def _follow(self, endpoint: Endpoint, location: str) -> Endpoint | Verdict:
        allowed = self._config.retry.max_redirects
        if self._redirects >= allowed:
            return Verdict(Action.GIVE_UP, f"more than {allowed} redirects in a row")
        try:
            self.target = followed = endpoint.redirected(location)
        except ConfigError as error:
            return Verdict(Action.GIVE_UP, str(error))
        self._redirects += 1
        return followed

    def _choose(self, first: int, now: float) -> None:
        """The next place from `first` on. One whose server asked to wait comes last; one that no retry seemed to help
        when its time has come, or a feed whose other places stay shut would never come back.
        """
        count = len(self._places)
        ring = [(first + step) % count for step in range(count)]
        places = self._places
        hopeful = [choice for choice in ring if (places[choice].hopeless_until or now) <= now]
        self._choice = min(hopeful, key=lambda choice: max(now, places[choice].not_before))
        self._go_home()

    def _go_home(self) -> None:
        self.target = self._places[self._choice].target
        self._redirects = 0
