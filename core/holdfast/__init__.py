"""Holdfast: WebSocket feeds that must not stop. This package is the machine; it does no I/O.

Applications use `holdfast_asyncio` or `holdfast_trio`; settings, events and errors are found here.
"""

from holdfast.config import FeedConfig, FeedOptions
from holdfast.endpoint import Endpoint
from holdfast.errors import (
    ConfigError,
    FeedClosed,
    GaveUp,
    GiveUp,
    HoldfastError,
    InvalidURL,
    LocalProtocolError,
    NotOpen,
)
from holdfast.events import (
    Closed,
    Connected,
    ConnectFailed,
    Connecting,
    Disconnected,
    Event,
    EventsDropped,
    Gap,
    Item,
    Message,
    Paused,
    PongReceived,
    Redirected,
    Resumed,
    RetryScheduled,
    Stale,
    Stall,
)
from holdfast.failures import Cause, Failure
from holdfast.feed import Feed
from holdfast.fleet import Fleet
from holdfast.new_connection import NewConnection
from holdfast.settings import (
    Backoff,
    DialWindow,
    Keepalive,
    Limits,
    Overflow,
    Retry,
    Staleness,
    Timeouts,
)
from holdfast.stats import FeedStats

__version__ = "0.1.0"

__all__ = [
    "Backoff",
    "Cause",
    "Closed",
    "ConfigError",
    "ConnectFailed",
    "Connected",
    "Connecting",
    "DialWindow",
    "Disconnected",
    "Endpoint",
    "Event",
    "EventsDropped",
    "Failure",
    "Feed",
    "FeedClosed",
    "FeedConfig",
    "FeedOptions",
    "FeedStats",
    "Fleet",
    "Gap",
    "GaveUp",
    "GiveUp",
    "HoldfastError",
    "InvalidURL",
    "Item",
    "Keepalive",
    "Limits",
    "LocalProtocolError",
    "Message",
    "NewConnection",
    "NotOpen",
    "Overflow",
    "Paused",
    "PongReceived",
    "Redirected",
    "Resumed",
    "Retry",
    "RetryScheduled",
    "Stale",
    "Staleness",
    "Stall",
    "Timeouts",
]
