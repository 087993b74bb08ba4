"""What checkers have in common. They know the world's truth, and take nothing from the machine but what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from holdfast import Event, FeedConfig, Item, Update
from holdfast.testing.world import Observer

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

EPSILON = 1e-6  # seconds; sums of floats


def text_of(item: Item) -> str | None:
    """The text of a message of a stream. Heartbeats and notices are messages to a feed without a dialect, too."""
    if type(item) is str:
        return item if item.startswith('{"stream"') else None
    return str(item.text) if isinstance(item, Update) and item.stream is not None else None


class Violation(AssertionError):
    """A promise (by its number in the design) was broken at a simulated time."""

    def __init__(self, promise: int, what: str, now: float) -> None:
        super().__init__(f"promise {promise} at {now:.3f} s: {what}")
        self.promise = promise


class Checker(Observer):
    """Looks on through the observer's hooks; `fail` ends the voyage."""

    promise: ClassVar[int]
    is_idle = False  # there is nothing in this voyage for it to look at

    def __init__(self, voyage: Voyage) -> None:
        self.voyage = voyage
        self.config: FeedConfig = voyage.config

    def fail(self, what: str) -> NoReturn:
        raise Violation(self.promise, what, self.voyage.now)

    def may_come_late(self, stream: str, number: int) -> bool:
        """A service may leave a message out of one connection, and not of another. Without a dialect nobody can tell,
        and so it may come behind later ones; the alternative would be to lose it.
        """
        return self.voyage.plan.spoken is None and self.voyage.was_withheld(stream, number)

    def on_event(self, event: Event) -> None:
        """The machine told of something, which the consumer may take much later."""

    def after_healing(self, now: float) -> None:
        """All is well again, and has been for as long as the way back may take."""

    def after_closing(self, now: float) -> None:
        """`close` was called `Timeouts.close` ago."""


class Stalls:
    """When our process did not run. Overlapping stalls are one; between two that touch, it ran for a moment."""

    def __init__(self) -> None:
        self.total = 0.0
        self._stalls: list[tuple[float, float]] = []

    def add(self, since: float, until: float) -> None:
        if self._stalls and since < self._stalls[-1][1]:
            last_since, last_until = self._stalls.pop()
            self.total -= last_until - last_since
            since, until = last_since, max(until, last_until)
        self._stalls.append((since, until))
        self.total += until - since

    def noticeable(self, since: float, until: float, step: float) -> float:
        """Seconds of stalls in between that a process must have noticed which asks for the time every `step` seconds.

        It sees how late it is called: of each stall, all but what fits between two looks at the clock.
        """
        seconds = 0.0
        for began, ended in reversed(self._stalls):
            if ended <= since:
                break
            seconds += max(0.0, min(ended, until) - max(began, since) - step)
        return seconds
