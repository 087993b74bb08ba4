"""Checks of settings. Each raises ConfigError with what was found and what is allowed."""

from __future__ import annotations

import math

from holdfast.errors import ConfigError

SHORTEST = 0.001  # seconds


def need(condition: object, setting: str, found: object, allowed: str) -> None:
    """Raise ConfigError unless the condition holds."""
    if not condition:
        raise ConfigError(f"{setting} = {found!r}: must be {allowed}")


def positive(setting: str, value: float) -> None:
    """A time. Shorter ones than a millisecond vanish beside the clock."""
    need(number(value) and value >= SHORTEST, setting, value, f"a finite number of seconds, at least {SHORTEST:g}")


def positive_or_none(setting: str, value: float | None) -> None:
    """A time, or None."""
    if value is not None:
        positive(setting, value)


def number(value: object) -> bool:
    """Whether it is a finite number, and no bool."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def count(setting: str, value: int, least: int = 1) -> None:
    """A whole number of at least so many."""
    need(_whole(value) and value >= least, setting, value, f"a whole number of at least {least}")


def between(setting: str, value: int, least: int, most: int) -> None:
    """A whole number in a range."""
    need(_whole(value) and least <= value <= most, setting, value, f"a whole number from {least} to {most}")


def _whole(value: object) -> bool:
    return number(value) and not isinstance(value, float)


def can_be_sent(message: object) -> bool:
    """Whether it is a message: text with a UTF-8 form, or bytes."""
    if isinstance(message, str):
        try:
            message.encode()
        except UnicodeEncodeError:  # a lone surrogate
            return False
    return isinstance(message, str | bytes)
