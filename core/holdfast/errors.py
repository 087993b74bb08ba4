"""Exceptions. Each says who is at fault: whoever called us, or the world.

Only misuse raises where it happens. A remote fault never raises inside the machine: it is an event, in its place
among the messages; the one exception a consumer meets is `GaveUp`, when no retry can help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.failures import Failure


class HoldfastError(Exception):
    """Base of everything that Holdfast raises."""


class ConfigError(HoldfastError, ValueError):
    """A setting that cannot work. The message names it, what was found, and what is allowed."""


class InvalidURL(ConfigError):
    """A URL that no WebSocket can be opened to (RFC 6455 section 3)."""


class LocalProtocolError(HoldfastError):
    """The caller broke the contract. Nothing was changed and nothing was sent."""


class NotOpen(LocalProtocolError):
    """There is no open connection to send on at this moment."""


class FeedClosed(HoldfastError):
    """The feed was closed; it takes no more messages."""


class StreamRefused(HoldfastError):
    """The service will not give a stream that was waited for."""


class GiveUp(HoldfastError):
    """For users to raise in `on_connect`, or in a function that makes endpoints: no retry can help, end the feed."""


class GaveUp(HoldfastError):
    """The feed ended because no retry could help, or because none was left.

    `failure` is the last thing that happened; `reason` says why it was final.
    """

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(f"{failure} ({reason})")
        self.failure = failure
        self.reason = reason


class RestartNeeded(GaveUp):
    """The feed ended by `restart_after`: dials, and no healthy connection. A fresh process may help."""
