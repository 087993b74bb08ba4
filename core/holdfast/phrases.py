"""Events in words: one line each, for people who read a log, and grep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.events import (
    Closed,
    Connected,
    ConnectFailed,
    Connecting,
    DialectFailed,
    Disconnected,
    Event,
    EventsDropped,
    Gap,
    Lagging,
    LegEnded,
    Notified,
    Paused,
    PongReceived,
    Rebalanced,
    Redirected,
    Resumed,
    Resynced,
    ResyncFailed,
    RetryScheduled,
    Rotated,
    Rotating,
    ShardEnded,
    Stale,
    Stall,
    Subscribed,
    SubscriptionRefused,
    Unsteady,
    Unsubscribed,
)
from holdfast.masking import mask_urls

# Those of the standard library's logging, which reads clocks and is not imported here.
DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40

# A failure is told once, by what follows from it: a retry, or the end.
_PHRASES: dict[type[Event], tuple[int, Callable[[Any], str]]] = {
    Connecting: (DEBUG, lambda event: f"connecting to {event.url} (attempt {event.attempt})"),
    Connected: (INFO, lambda event: f"connected to {event.url} in {seconds(event.took)}"),
    ConnectFailed: (DEBUG, lambda event: f"not connected: {event.failure}"),
    Disconnected: (INFO, lambda event: f"disconnected after {seconds(event.lasted)}"),
    RetryScheduled: (
        WARNING,
        lambda event: f"{event.failure}, reconnecting in {seconds(event.delay)} (attempt {event.attempt})",
    ),
    Redirected: (INFO, lambda event: f"redirected to {event.url} (HTTP {event.status})"),
    Gap: (
        WARNING,
        lambda event: f"gap of {_span(event)}: {_loss(event)}: {event.cause}",
    ),
    Rotating: (INFO, lambda event: f"rotating connection {event.conn}: {event.reason}"),
    Rotated: (
        INFO,
        lambda event: f"rotated: connection {event.conn} took over from {event.previous} in {seconds(event.took)}",
    ),
    LegEnded: (ERROR, lambda event: f"a connection gave up, the others go on: {event.failure} ({event.reason})"),
    Resynced: (INFO, lambda event: f"resynced {event.stream}"),
    ResyncFailed: (
        WARNING,
        lambda event: f"not resynced: {event.stream}: {event.failure}, again in {seconds(event.delay)}",
    ),
    ShardEnded: (
        ERROR,
        lambda event: (
            f"shard {event.shard} gave up, the others go on without {_list(event.streams)}: "
            f"{event.failure} ({event.reason})"
        ),
    ),
    Rebalanced: (
        WARNING,
        lambda event: (
            f"shard {event.shard} was lost {event.reconnects} times, the others {event.others:.3g} times on average: "
            f"it goes on at {event.url}"
        ),
    ),
    Unsteady: (
        WARNING,
        lambda event: f"unsteady: {event.reconnects:.3g} reconnects a connection in {seconds(event.period)}",
    ),
    PongReceived: (DEBUG, lambda event: f"pong received in {event.rtt * 1000:.0f} ms"),
    Stale: (WARNING, lambda event: f"stale: connected, and no {_of(event)} for {seconds(event.silent)}"),
    Lagging: (WARNING, lambda event: f"lagging: {event.stream} is {seconds(event.lag)} late"),
    Subscribed: (INFO, lambda event: f"subscribed to {_list(event.streams)}"),
    Unsubscribed: (INFO, lambda event: f"unsubscribed from {_list(event.streams)}"),
    SubscriptionRefused: (ERROR, lambda event: f"refused: {event.stream}: {event.reason}"),
    Notified: (INFO, lambda event: f"the service says: {event.text}"),
    DialectFailed: (ERROR, lambda event: f"the dialect failed: {event.function}: {event.error}"),
    Stall: (WARNING, lambda event: f"stall: this process did not run for {seconds(event.duration)}"),
    Paused: (WARNING, lambda event: f"paused: {event.queued} bytes wait for a slow consumer"),
    Resumed: (INFO, lambda event: f"resumed: {event.queued} bytes wait"),
    EventsDropped: (WARNING, lambda event: f"{event.count} events were left out here: nobody took any for long"),
    Closed: (INFO, lambda event: "closed" if event.failure is None else f"gave up: {event.failure} ({event.reason})"),
}


def level_of(event: Event) -> int:
    """How loud an event is, as a level of the standard library's logging."""
    if type(event) is Closed and event.failure is not None:
        return ERROR
    return _PHRASES[type(event)][0]


def describe(event: Event) -> str:
    """One printable line, without a line end."""
    # Servers choose some of the words.
    return printable(mask_urls(_PHRASES[type(event)][1](event)))


def printable(text: str) -> str:
    """Without line ends and whatever else would disturb a log or a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def seconds(duration: float) -> str:
    """A time for people."""
    return f"{duration:.3g} s" if duration < 100 else f"{duration:.0f} s"


_NAMES_SHOWN = 5


def _list(streams: tuple[str, ...]) -> str:
    shown = ", ".join(streams[:_NAMES_SHOWN])
    return shown if len(streams) <= _NAMES_SHOWN else f"{shown} and {len(streams) - _NAMES_SHOWN} more"


def _of(stale: Stale) -> str:
    return "message" if stale.stream is None else f"message of {stale.stream}"


def _span(gap: Gap) -> str:
    return seconds(gap.until - gap.since) + ("" if gap.stream is None else f" in {gap.stream}")


def _loss(gap: Gap) -> str:
    return f"{gap.dropped} messages were dropped" if gap.dropped else "messages may have been lost"
