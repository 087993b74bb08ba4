"""What users write: a market and its streams, made into a service that can be dialled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import wraps
from typing import cast
from urllib.parse import quote, urlsplit

from holdfast.dialects.binance.dialect import SPOT_LIMITS, USDM_LIMITS, BinanceDialect
from holdfast.dialects.binance.markets import MARKET, PUBLIC, SPOT, USDM
from holdfast.dialects.binance.updates import SpotUpdate, UsdmUpdate
from holdfast.dialects.dialect import Service
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.source import Source

_SPOT_URL = "wss://stream.binance.com:9443/stream"
_USDM_URL = "wss://fstream.binance.com/{route}/stream"
_MAX_URL = 8000  # characters; not documented, and 8004 were refused in 2019 (observed)
_SPOT = BinanceDialect("binance.spot", SPOT, SPOT_LIMITS, SpotUpdate)
_USDM = {route: BinanceDialect("binance.usdm", USDM, USDM_LIMITS, UsdmUpdate, route) for route in (PUBLIC, MARKET)}


def spot(*streams: str, endpoint: Source | Sequence[Source] | None = None, combined: bool = False) -> Service:
    """Streams of Binance spot, such as `btcusdt@kline_1m`: https://github.com/binance/binance-spot-api-docs,
    web-socket-streams.md, as of 2026-07-21, read 2026-11-21.

    `endpoint` replaces the URL, such as `wss://data-stream.binance.vision/stream` or one's own relay; its path must be
    that of combined streams. `combined`: the URL asks for the streams, so that they need no request; for a set that
    does not change. Raises ConfigError for what is no stream.
    """
    return _service(_SPOT, streams, _SPOT_URL if endpoint is None else endpoint, combined)


def usdm(
    *streams: str,
    endpoint: Source | Sequence[Source] | None = None,
    combined: bool = False,
    route: str | None = None,
) -> Service:
    """Streams of Binance USD-M futures, such as `btcusdt@aggTrade`:
    https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams, as of 2026-05-28,
    read 2026-11-21.

    Since 2026-04-23 books and trades come on `/public`, all else on `/market` (`usdm_route` tells), and a connection
    carries one route only. `route` is needed where no stream tells it; `endpoint` and `combined` are as for `spot`.
    Raises ConfigError for what is no stream, and for streams of both routes.
    """
    routes = {stream: usdm_route(stream) for stream in streams}
    if len(set(routes.values())) > 1:
        feeds = " and ".join(_call(stream for stream in routes if routes[stream] == one) for one in (PUBLIC, MARKET))
        raise ConfigError(f"these streams come on two routes, which a connection cannot mix; open two feeds: {feeds}")
    found = next(iter(routes.values()), route)
    if found not in _USDM:
        raise ConfigError(f"route = {route!r}: give the streams, or route='public' (books, trades) or route='market'")
    if route not in (None, found):
        raise ConfigError(f"route = {route!r}: these streams come on {found!r}; leave it out")
    return _service(_USDM[found], streams, _USDM_URL.format(route=found) if endpoint is None else endpoint, combined)


def usdm_route(stream: str) -> str:
    """`public` or `market`: which endpoint of USD-M carries it. Raises ConfigError for what is no stream."""
    if not isinstance(stream, str):
        raise ConfigError(f"stream {stream!r} is no str: give names such as {USDM.example!r}")
    return USDM.checked(stream).route or PUBLIC


def _call(streams: Iterable[str]) -> str:
    return f"usdm({', '.join(map(repr, streams))})"


def _service(
    dialect: BinanceDialect, streams: tuple[str, ...], source: Source | Sequence[Source], combined: bool
) -> Service:
    for stream in streams:
        if not isinstance(stream, str):
            raise ConfigError(f"stream {stream!r} is no str: give names such as {dialect.market.example!r}")
        dialect.check(stream)
    names = "/".join(dict.fromkeys(streams)) if combined else ""
    if combined and not names:
        raise ConfigError("combined = True without streams: the URL would ask for nothing")
    streams = tuple(dict.fromkeys(streams))
    if isinstance(source, str | Endpoint) or callable(source) or not isinstance(cast(object, source), list | tuple):
        return Service(dialect, _asking(cast("Source", source), names), streams)
    return Service(dialect, [_asking(one, names) for one in source], streams)


def _asking(source: Source, names: str) -> Source:
    """The same, with streams in its URL."""
    if isinstance(source, str):
        return _with_query(source, names)
    if isinstance(source, Endpoint):
        return replace(source, url=_with_query(source.url, names))
    if not callable(source):
        return source  # told apart and refused where all sources are
    return _asking_later(source, names)


def _asking_later(make: Callable[[], Awaitable[str | Endpoint]], names: str) -> Source:
    @wraps(make)
    async def made() -> str | Endpoint:
        endpoint = await make()
        return _asking(endpoint, names) if isinstance(endpoint, str | Endpoint) else endpoint  # type: ignore[return-value]

    return made


def _with_query(url: str, names: str) -> str:
    path = urlsplit(url).path.rstrip("/")
    if not path.endswith("/stream"):
        raise ConfigError(
            f"endpoint with path {path or '/'!r}: give the one of combined streams, which ends with /stream; "
            f"others do not say which stream a message belongs to"
        )
    if not names:
        return url
    asking = f"{url}{'&' if '?' in url else '?'}streams={quote(names, safe='/@!:')}"
    if len(asking) > _MAX_URL:
        raise ConfigError(f"a URL of {len(asking)} characters, and Binance takes {_MAX_URL}: leave combined out")
    return asking
