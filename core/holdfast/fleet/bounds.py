"""What a feed's settings let each of its shards carry."""

from __future__ import annotations

from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.fleet.allotment import Bounds


def bounds_of(config: FeedConfig) -> Bounds:
    """By its own settings and the limits of its service."""
    setting = config.sharding
    connections = setting.max_connections
    shards = None if connections is None else connections // config.legs
    if config.dialect is None or asks_by_url(config):
        shards = 1
    if config.dialect is None:
        return Bounds(shards=shards)
    limits = config.dialect.limits
    streams = [most for most in (limits.max_streams, setting.max_streams_per_connection) if most is not None]
    return Bounds(min(streams, default=None), setting.max_symbols_per_connection, limits.max_names_size, shards)


def asks_by_url(config: FeedConfig) -> bool:
    """Whether a URL asks for the streams: then every connection would bring all of them."""
    dialect = config.dialect
    endpoints = [target for target in config.targets if isinstance(target, Endpoint)]
    return dialect is not None and any(dialect.asked_by(endpoint) for endpoint in endpoints)
