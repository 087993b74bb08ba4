"""What a feed's settings let each of its shards carry."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.config import FeedConfig
from holdfast.dialects.dialect import symbol_of
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.fleet.allotment import Allotment, Bounds


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


def check_room(config: FeedConfig) -> None:
    """Raise ConfigError if the feed's streams find no room on as many connections as it may have."""
    dialect = config.dialect
    if dialect is not None:
        allotment = Allotment(bounds_of(config), lambda stream: symbol_of(dialect, stream))
        allot(allotment, config.streams, url_asks=asks_by_url(config))


def allot(allotment: Allotment, streams: Iterable[str], *, url_asks: bool) -> None:
    """Find a place for each. Raises ConfigError if there is none left; then nothing changed."""
    try:
        allotment.add(streams)
    except ConfigError:
        if url_asks:
            raise ConfigError(
                "more streams than one connection may carry, and the URL would ask for all of them on each: "
                "leave combined out"
            ) from None
        raise


def asks_by_url(config: FeedConfig) -> bool:
    """Whether a URL asks for the streams: then every connection would bring all of them."""
    dialect = config.dialect
    endpoints = [target for target in config.targets if isinstance(target, Endpoint)]
    return dialect is not None and any(dialect.asked_by(endpoint) for endpoint in endpoints)
