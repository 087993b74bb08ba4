"""Holdfast: WebSocket feeds that must not stop. This package is the machine; it does no I/O.

Applications use `holdfast_asyncio` or `holdfast_trio`; settings, events and errors are found here.
"""

from typing import TYPE_CHECKING

from holdfast.compiled import accelerator
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
    RestartNeeded,
    StreamRefused,
)
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
    Item,
    Lagging,
    LegEnded,
    Message,
    Notified,
    Paused,
    PongReceived,
    Rebalanced,
    RecentEvent,
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
from holdfast.failures import Cause, Failure
from holdfast.feed import Feed
from holdfast.new_connection import NewConnection
from holdfast.settings import (
    Backoff,
    Deflate,
    DialWindow,
    Keepalive,
    Limits,
    MessageWindow,
    Overflow,
    Rebalance,
    Resync,
    Retry,
    Rotation,
    Sharding,
    Staleness,
    Subscribing,
    Timeouts,
)
from holdfast.stats import FeedStats, Histogram, LegStats, ShardStats, StreamStats

if TYPE_CHECKING:
    from holdfast.fleet import Fleet
else:

    def __getattr__(name: str) -> object:
        """The machine is imported with a transport, or by whoever asks for it."""
        if name == "Fleet":
            from holdfast.fleet import Fleet

            return Fleet
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    "DialectFailed",
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
    "Histogram",
    "HoldfastError",
    "InvalidURL",
    "Item",
    "Keepalive",
    "Lagging",
    "LegEnded",
    "LegStats",
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
    "Rebalance",
    "Rebalanced",
    "RecentEvent",
    "Redirected",
    "RestartNeeded",
    "Resumed",
    "Resync",
    "ResyncFailed",
    "Resynced",
    "Retry",
    "RetryScheduled",
    "Rotated",
    "Rotating",
    "Rotation",
    "Service",
    "ServiceLimits",
    "ShardEnded",
    "ShardStats",
    "Sharding",
    "Stale",
    "Staleness",
    "Stall",
    "StreamRefused",
    "StreamStats",
    "Subscribed",
    "Subscribing",
    "SubscriptionRefused",
    "Timeouts",
    "Unsteady",
    "Unsubscribed",
    "Update",
    "accelerator",
]
