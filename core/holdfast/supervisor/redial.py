"""After a failure: where to dial next, and when; or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Failure
from holdfast.randomness import Randomness
from holdfast.source import Target
from holdfast.supervisor.verdict import judge
from holdfast.verdicts import Action, Verdict


@dataclass(frozen=True, slots=True)
class Plan:
    """`delay` seconds until the next dial, or the reason for giving up. `followed`: where a redirect leads."""

    delay: float = 0.0
    give_up: str | None = None
    followed: Endpoint | None = None


class Redial:
    """Counts what happened since the last healthy connection, and plans from it."""

    def __init__(self, config: FeedConfig, random: Randomness) -> None:
        self.target: Target = config.targets[0]  # where the next dial goes
        self.attempt = 0  # dials since the last healthy connection
        self._config = config
        self._random = random
        self._choice = 0  # which of the configured targets is to be dialled
        self._hopeless: set[int] = set()  # those that no retry can help, since the last healthy connection
        self._failures = 0  # since the last healthy connection
        self._policy_closes = 0  # likewise
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

    def opened(self) -> None:
        """A handshake succeeded. That alone proves nothing: the counters stay."""
        self._go_home()

    def healthy(self) -> None:
        """The connection has proven itself: everything counts from zero again, and the preferred target comes first."""
        self.attempt = self._failures = self._policy_closes = self._choice = 0
        self._hopeless.clear()
        self._go_home()

    def after(self, failure: Failure, wall_now: float, *, endpoint: Endpoint | None, healthy: bool = False) -> Plan:
        """What to do now. `endpoint`: where it happened. `healthy`: on a connection that had proven itself."""
        verdict = self._judge(failure, wall_now)
        if verdict.action is Action.FOLLOW and endpoint is not None:
            followed = self._follow(endpoint, failure.header("location") or "")
            if isinstance(followed, Endpoint):
                return Plan(followed=followed)
            verdict = followed
        if healthy:
            self.healthy()
        elif verdict.action is Action.GIVE_UP:
            self._hopeless.add(self._choice)
        if verdict.action is Action.GIVE_UP and (failure.final or len(self._hopeless) == len(self._config.targets)):
            return Plan(give_up=verdict.reason)
        if not healthy:
            self._choose_another()
        self._go_home()
        return self._retry(verdict)

    def _judge(self, failure: Failure, wall_now: float) -> Verdict:
        own = self._config.dialect.verdict(failure) if self._config.dialect is not None else None
        return own or judge(failure, wall_now, self._config.retry.retry_after_cap)

    def _retry(self, verdict: Verdict) -> Plan:
        retry = self._config.retry
        self._failures += 1
        if verdict.policy:
            self._policy_closes += 1
            if self._policy_closes >= retry.max_policy_closes:
                return Plan(
                    give_up=f"refused in this way {self._policy_closes} times without a healthy connection between; "
                    f"Retry.max_policy_closes is {retry.max_policy_closes}"
                )
        if retry.max_attempts is not None and self.attempt >= retry.max_attempts:
            return Plan(give_up=f"{self.attempt} dials without a healthy connection; that is Retry.max_attempts")
        pause = self._config.backoff.pause(self._failures, self._random.random())
        # Behind what the server asked for, so that not all its clients come back at the same moment.
        return Plan(delay=verdict.wait + pause)

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

    def _choose_another(self) -> None:
        count = len(self._config.targets)
        following = [(self._choice + step) % count for step in range(1, count + 1)]
        self._choice = next(choice for choice in following if choice not in self._hopeless)

    def _go_home(self) -> None:
        self.target = self._config.targets[self._choice]
        self._redirects = 0
