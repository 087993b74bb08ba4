"""What no dialect may do, and one of a user's may do all the same: it is told, and the feed goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from holdfast.checks import number
from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import Update
from holdfast.events import DialectFailed, Event
from holdfast.failures import Failure, told
from holdfast.verdicts import Verdict

_PERIOD = 60.0  # seconds in which the same function is told of once


class Mistakes:
    """Of the dialect of one leg."""

    __slots__ = ("_dialect", "_emit", "_untold_until")

    def __init__(self, dialect: Dialect, emit: Callable[[Event], None]) -> None:
        self._dialect = dialect
        self._emit = emit
        self._untold_until: dict[str, float] = {}

    def verdict(self, failure: Failure, now: float) -> Verdict | None:
        """What a failure means at this service, if the dialect has a word to say."""
        if failure.final:
            return None
        try:
            own = self._dialect.verdict(failure)
        except Exception as error:  # a user's may raise anything
            self.note("verdict", error, now)
            return None
        if own is not None and not isinstance(cast(object, own), Verdict):
            self.note("verdict", TypeError(f"it must give a Verdict or None, and gave {type(own).__name__}"), now)
            return None
        return own

    def guard(self, function: str, now: float, what: Callable[[], None]) -> None:
        """Do what asks this function of the dialect's; nothing depends on whether it can be done."""
        try:
            what()
        except Exception as error:  # a user's may raise anything
            self.note(function, error, now)

    def note(self, function: str, error: Exception, now: float) -> None:
        """What a function of the dialect's raised."""
        if now >= self._untold_until.get(function, now):
            self._untold_until[function] = now + _PERIOD
            self._emit(DialectFailed(now, function, told(error)))


def lag_of(update: Update, wall_now: float) -> float | None:
    """How late it is, in seconds, by its own account; None if it does not say, or says what is no time."""
    try:
        happened = update.event_time
        lag = None if happened is None else wall_now - happened
        return lag if number(lag) else None
    except Exception:  # it may be an update of a user's, and is asked for figures only
        return None
