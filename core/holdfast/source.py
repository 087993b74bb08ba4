"""Where a feed may dial: what is given to `open_feed`, made into endpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal, TypedDict, cast

from holdfast.endpoint import Endpoint, check_headers, check_subprotocols, pairs_of
from holdfast.errors import ConfigError
from holdfast.proxy import check_proxy
from holdfast.records import dataclass


class EndpointOptions(TypedDict, total=False):
    """Those arguments of `open_feed` that belong to an endpoint; see `Endpoint`."""

    headers: Mapping[str, str] | Iterable[tuple[str, str]]
    subprotocols: Iterable[str]
    tls: object
    server_name: str | None
    proxy: str | Literal[True] | None


ENDPOINT_OPTIONS = EndpointOptions.__optional_keys__


@dataclass(frozen=True, slots=True)
class EndpointMaker:
    """An async function that makes the endpoint of each dial, for URLs and headers that expire."""

    function: Callable[[], Awaitable[str | Endpoint]]
    template: _Template = field(repr=False)  # its headers, or its proxy, may hold secrets

    async def __call__(self) -> Endpoint:
        """Raises ConfigError for what is no endpoint, and whatever the function does."""
        making: object = self.function()
        if isinstance(making, str | Endpoint):
            raise ConfigError(f"{self.name}() is no async function: write `async def`")
        made = await cast("Awaitable[object]", making)
        if not isinstance(made, str | Endpoint):
            # Not shown: it may hold a token.
            raise ConfigError(f"{self.name}() gave {type(made).__name__}: it must give a URL, or an Endpoint")
        return self.template.endpoint(made)

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", None) or type(self.function).__name__

    def __repr__(self) -> str:
        # What the function was made from, and the headers that go with what it makes, may be secrets.
        return f"EndpointMaker({self.name})"


Source = str | Endpoint | Callable[[], Awaitable[str | Endpoint]]
Target = Endpoint | EndpointMaker


def targets(source: Source | Sequence[Source], options: EndpointOptions) -> tuple[Target, ...]:
    """Where to dial, in order of preference. Raises ConfigError for what cannot be dialled."""
    template = _Template.of(options)
    if isinstance(source, str | Endpoint) or callable(source):
        return (_target(source, template),)
    if not isinstance(cast(object, source), list | tuple) or not source:
        raise ConfigError(f"source = {_shown(source)}: must be {_ALLOWED}, or a list of these, the preferred one first")
    return tuple(_target(one, template) for one in source)


def shown(target: Target) -> str:
    """Where it leads, as events show it: the URL without its secrets, or the name of the function that makes it."""
    return target.safe_url if isinstance(target, Endpoint) else f"{target.name}()"


def label(target: Target) -> str:
    """What a feed that goes there is called."""
    return target.host if isinstance(target, Endpoint) else target.name


_ALLOWED = "a ws:// or wss:// URL, an Endpoint, or an async function that gives one of these"


def _target(source: Source, template: _Template) -> Target:
    if callable(source):
        return EndpointMaker(source, template)
    if not isinstance(cast(object, source), str | Endpoint):
        raise ConfigError(f"source = {_shown(source)}: must be {_ALLOWED}")
    return template.endpoint(source)


def _shown(source: object) -> str:
    """Containers may hold a URL with a password in it."""
    return repr(source) if isinstance(source, int | float | None) else type(source).__name__


@dataclass(frozen=True, slots=True)
class _Template:
    """What all endpoints of a feed have that are given as a URL."""

    given: frozenset[str]
    headers: tuple[tuple[str, str], ...]
    subprotocols: tuple[str, ...]
    tls: object
    server_name: str | None
    proxy: str | Literal[True] | None

    @classmethod
    def of(cls, options: EndpointOptions) -> _Template:
        subprotocols = check_subprotocols(options.get("subprotocols", ()))
        headers = pairs_of(options.get("headers", ()))
        check_headers(headers)
        proxy = options.get("proxy", True)
        check_proxy(proxy)
        given = ENDPOINT_OPTIONS & options.keys()
        return cls(given, headers, subprotocols, options.get("tls"), options.get("server_name"), proxy)

    def endpoint(self, source: str | Endpoint) -> Endpoint:
        if isinstance(source, str):
            return Endpoint(source, self.headers, self.subprotocols, self.tls, self.server_name, self.proxy)
        if self.given:
            raise ConfigError(f"{', '.join(sorted(self.given))}: set this on the Endpoint itself")
        return source
