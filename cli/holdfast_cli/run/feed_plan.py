"""One feed of a file: what is to be opened, made of a table that is merged and filled."""

from __future__ import annotations

import itertools
import os
import re
import ssl
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast, get_type_hints

from holdfast import ConfigError, FeedConfig, FeedOptions, Service
from holdfast.checks import need
from holdfast.config import AnySource
from holdfast.preflight import check_config
from holdfast.source import Source
from holdfast_cli.run.hints import BY_STREAM, kind_or_anything, table_of
from holdfast_cli.run.kinds import Choice, Kind, ListOf, MapOf, Named, OneOf, Table, Text
from holdfast_cli.run.problems import Problems, child, problem, under
from holdfast_cli.services import SERVICES
from holdfast_shared import check_window_file

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form. `cafile`: whom to trust in place of the system's authorities. `certfile` and `keyfile`: who we
    are, where a server wants to know.
    """

    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None

    def __post_init__(self) -> None:
        if self.keyfile is not None and self.certfile is None:
            raise ConfigError("keyfile: used with certfile only")

    def context(self) -> ssl.SSLContext:
        """Raises ConfigError for files that hold nothing of the kind."""
        need(self.cafile != "", "cafile", self.cafile, "a file of certificates in PEM form")
        with _pem("cafile", self.cafile, "of certificates"):
            context = ssl.create_default_context(cafile=self.cafile)
        if self.certfile is not None:
            with _pem("certfile", self.certfile, "of a certificate, and with its key here or in keyfile"):
                context.load_cert_chain(self.certfile, self.keyfile)
        return context


@contextmanager
def _pem(name: str, path: str | None, what: str) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError is for what is no path
        why = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigError(f"{name} = {path!r}: must be a file {what} in PEM form: {why}") from None


def _tls_context(**given: str | None) -> ssl.SSLContext:
    return Tls(**given).context()


@cache
def option_kinds() -> dict[str, Kind]:
    """The keys of `defaults`, and of every feed: the arguments of `open_feed`."""
    hints = get_type_hints(FeedOptions)
    # The name of a feed is that of its table.
    kinds = {name: kind_or_anything(hint) for name, hint in hints.items() if name not in ("name", "tls")}
    tls = table_of(Tls)
    kinds["tls"] = Table(tls.keys, _tls_context, description=Tls.__doc__ or "")
    return dict(sorted(kinds.items()))


@cache
def feed_kinds() -> dict[str, Kind]:
    """The keys of a feed."""
    texts = ListOf(Text())
    return {
        "service": Choice(*SERVICES),
        "url": OneOf(Text(), texts),
        "url_from": Named(),
        "streams": texts,
        "each": MapOf(texts),
        **option_kinds(),
    }


@dataclass(frozen=True, slots=True, eq=False)
class FeedPlan:
    """`table`: what the file says, its profile and defaults included; it may hold secrets."""

    name: str
    source: AnySource
    options: FeedOptions
    config: FeedConfig
    table: Mapping[str, Any] = field(repr=False)

    @property
    def streams(self) -> tuple[str, ...]:
        return self.source.streams if isinstance(self.source, Service) else ()

    def differs_in_streams_only(self, other: FeedPlan) -> bool:
        """Whether the one can become the other without a new connection."""
        mine, its = self.source, other.source
        if not isinstance(mine, Service) or not isinstance(its, Service):
            return False
        return (mine.source, mine.dialect) == (its.source, its.dialect) and self._rest() == other._rest()

    def is_as(self, other: FeedPlan) -> bool:
        """Whether nothing changed but the way it is written."""
        return self.streams == other.streams and self._rest() == other._rest()

    def _rest(self) -> dict[str, Any]:
        return {name: value for name, value in self.table.items() if name not in ("streams", "each")}


def read_feed(name: str, table: dict[str, Any]) -> FeedPlan:
    """Raises Problems for what cannot be opened."""
    key = child("feeds", name)
    if not name.isprintable() or not name:
        raise Problems([f"{key}: a feed's name must be printable"])
    read = Table(feed_kinds()).read(key, table)
    own = {one: read.pop(one, None) for one in ("service", "url", "url_from", "streams", "each")}
    options = cast(FeedOptions, {"name": name, **read})
    source = _source(key, own)
    overflow = options.get("overflow")
    if overflow is not None and overflow.key is BY_STREAM and not isinstance(source, Service):
        raise Problems([f'{key}.overflow.key = "stream": only with a service; for a plain URL name a function'])
    with under(key):
        config = FeedConfig.build(source, options)
        check_config(config, os.environ)
        check_window_file(config)
    return FeedPlan(name, source, options, config, table)


def _source(key: str, own: Mapping[str, Any]) -> AnySource:
    place = _place(key, own)
    streams = expanded(key, own["streams"] or (), own["each"] or {})
    if own["service"] is None:
        if place is None:
            raise Problems(
                [f"{key}: where to? Give service = one of {', '.join(SERVICES)}, or url = a ws:// or wss:// URL"]
            )
        if streams:
            raise Problems([f"{child(key, 'streams')}: only with a service; for a plain URL use on_open"])
        return place
    make, example = SERVICES[own["service"]]
    if not streams:
        must = f'must be a list of streams, such as ["{example}"]'
        found = " is missing" if own["streams"] is None else " = a list"
        raise Problems([f"{child(key, 'streams')}{found}: {must}"])
    with under(child(key, "streams")):
        service = make(*streams)  # without the place first, so that an error is about the one or the other
    if place is not None:
        with under(child(key, "url")):
            service = make(*streams, endpoint=place)
    return service


def _place(key: str, own: Mapping[str, Any]) -> Source | Sequence[Source] | None:
    url, url_from = own["url"], own["url_from"]
    if url is not None and url_from is not None:
        raise Problems([f"{child(key, 'url_from')}: not together with url"])
    if isinstance(url, tuple):
        if not url:
            raise problem(child(key, "url"), [], "a URL, or a list of at least one, the preferred one first")
        return list(cast("tuple[str, ...]", url))
    return cast("Source | None", url_from if url is None else url)


def expanded(key: str, patterns: Sequence[str], each: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Each pattern for every combination of what its places, such as `{symbol}`, stand for; none twice, in order."""
    found: dict[str, None] = {}
    used: set[str] = set()
    for index, pattern in enumerate(patterns):
        places = list(dict.fromkeys(_PLACE.findall(pattern)))
        if "{" in (rest := _PLACE.sub("", pattern)) or "}" in rest:
            at = f"{child(key, 'streams')}[{index}]"
            raise problem(at, pattern, "made of places such as {symbol}, with letters, digits and _ between the braces")
        if missing := [place for place in places if place not in each]:
            at = f"{child(key, 'streams')}[{index}]"
            raise problem(at, pattern, f"made of places in {child(key, 'each')}, which has no {', '.join(missing)}")
        if empty := [place for place in places if not each[place]]:
            raise problem(child(child(key, "each"), empty[0]), [], "a list of at least one text in quotes")
        used.update(places)
        for values in itertools.product(*(each[place] for place in places)):
            by_place = dict(zip(places, values, strict=True))
            found[_PLACE.sub(lambda match, by=by_place: by[match[1]], pattern)] = None  # type: ignore[misc]
    if unused := sorted(each.keys() - used):
        raise Problems([f"{child(child(key, 'each'), unused[0])}: no stream has a place {{{unused[0]}}}"])
    return tuple(found)
