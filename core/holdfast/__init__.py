"""Holdfast: WebSocket feeds that must not stop. This package is the machine; it does no I/O.

Applications use `holdfast_asyncio` or `holdfast_trio`; settings, events and errors are found here.
"""

from holdfast.config import FeedConfig, FeedOptions
from holdfast.dialects.dialect import Dialect, Service, ServiceLimits
from holdfast.dialects.words import Patience, Update
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
    StreamRefused,
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
    Lagging,
    Message,
    Notified,
    Paused,
    PongReceived,
    Redirected,
    Resumed,
    RetryScheduled,
    Stale,
    Stall,
    Subscribed,
    SubscriptionRefused,
    Unsubscribed,
)
from holdfast.failures import Cause, Failure
from holdfast.feed import Feed
from holdfast.fleet import Fleet
from holdfast.new_connection import NewConnection
from holdfast.settings import (
    Backoff,
    Deflate,
    DialWindow,
    Keepalive,
    Limits,
    MessageWindow,
    Overflow,
    Retry,
    Staleness,
    Subscribing,
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
    "Deflate",
    "DialWindow",
    "Dialect",
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
    "Lagging",
    "Limits",
    "LocalProtocolError",
    "Message",
    "MessageWindow",
    "NewConnection",
    "NotOpen",
    "Notified",
    "Overflow",
    "Patience",
    "Paused",
    "PongReceived",
    "Redirected",
    "Resumed",
    "Retry",
    "RetryScheduled",
    "Service",
    "ServiceLimits",
    "Stale",
    "Staleness",
    "Stall",
    "StreamRefused",
    "Subscribed",
    "Subscribing",
    "SubscriptionRefused",
    "Timeouts",
    "Unsubscribed",
    "Update",
]
