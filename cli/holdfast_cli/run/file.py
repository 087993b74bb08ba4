"""A configuration file as a whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from holdfast import ConfigError
from holdfast.checks import need, positive
from holdfast.observe import Summary
from holdfast_cli.run.feed_plan import FeedPlan, feed_kinds, option_kinds, read_feed
from holdfast_cli.run.guards import is_table
from holdfast_cli.run.hints import table_of
from holdfast_cli.run.kinds import Choice, Kind, MapOf, Number, Schema, Table
from holdfast_cli.run.problems import Collector, Problems, child, problem, under, unknown
from holdfast_cli.run.profiles import PROFILES
from holdfast_cli.run.reading import filled, merged, parse
from holdfast_cli.run.sink_plan import SinkPlan, read_sink, sink_schema


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the log on stderr tells. `level`: the least that is told. The others are `holdfast.observe.Summary`'s:
    of each feed a line of statistics after so many messages, and after so many seconds at the latest; every so many
    seconds an overview, with a line for each shard; a warning when its shards have lost so many connections on average.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    every_messages: int | None = None
    every_seconds: float | None = 60.0
    overview_every: float | None = 600.0
    warn_at: int | None = 10

    def __post_init__(self) -> None:
        try:
            self.summary()
        except ConfigError as error:
            raise ConfigError(str(error).removeprefix("Summary.")) from None

    def summary(self) -> Summary:
        """Of a feed."""
        return Summary(
            every_messages=self.every_messages,
            every_seconds=self.every_seconds,
            overview_every=self.overview_every,
            warn_at=self.warn_at,
        )


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """Where health, metrics and the status page are served: an address and a port; port 0 takes a free one."""

    address: str = "127.0.0.1:9464"

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        good = bool(host) and "/" not in host and port.isascii() and port.isdecimal() and int(port) < 65536
        need(good, "address", self.address, 'a host and a port, such as "127.0.0.1:9464" or "[::1]:9464"')

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].removeprefix("[").removesuffix("]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a file comes to. `close_timeout`: seconds that ending may take, sinks included. `ends_with`: whether the
    command ends with the "last" of its feeds that gave up, or with the "first".

    `table`: the file with its profile and defaults merged into every feed, variables not filled in; for `config show`.
    """

    profile: str
    feeds: Mapping[str, FeedPlan]
    sinks: Mapping[str, SinkPlan]
    log: LogOptions
    status: StatusOptions | None
    close_timeout: float
    ends_with: str
    table: Mapping[str, Any] = field(repr=False)


_CLOSE_TIMEOUT = 10.0
_PLAIN: dict[str, Kind] = {
    "profile": Choice(*PROFILES),
    "close_timeout": Number(),
    "ends_with": Choice("last", "first"),
    "log": table_of(LogOptions),
    "status": table_of(StatusOptions),
}
_TABLES = ("defaults", "feeds", "sinks")


def load(path: Path, environ: Mapping[str, str]) -> RunConfig:
    """Read and check a file. Raises Problems, each of which begins with the file's name."""
    try:
        return read(parse(path), environ)
    except Problems as problems:
        raise Problems([f"{path}: {line}" for line in problems.lines]) from None
    except RecursionError:
        raise Problems([f"{path}: tables or lists in it lie too deep in each other"]) from None


def read(raw: dict[str, Any], environ: Mapping[str, str]) -> RunConfig:
    """Raises Problems, each of which begins with a key."""
    collector = Collector()
    plain: dict[str, Any] = {}
    for name, value in raw.items():
        with collector:
            if name not in _PLAIN and name not in _TABLES:
                raise unknown("", name, [*_PLAIN, *_TABLES])
            if name in _PLAIN:
                plain[name] = _PLAIN[name].read(name, filled(value, environ, name))
            elif not is_table(value):
                raise problem(name, value, "a table")
    collector.check()
    with collector, under(""):
        positive("close_timeout", plain.get("close_timeout", _CLOSE_TIMEOUT))
    table = _merged(raw, plain.get("profile", "default"), environ, collector)
    feeds: dict[str, FeedPlan] = {}
    for name, one in table["feeds"].items():
        with collector:
            feeds[name] = read_feed(name, filled(one, environ, child("feeds", name)))
    if not table["feeds"]:
        collector.lines.append("feeds: there is none: add a table such as [feeds.trades] with service and streams")
    sinks: dict[str, SinkPlan] = {}
    paths: dict[str, str] = {}
    for name, one in table["sinks"].items():
        with collector:
            sinks[name] = read_sink(name, filled(one, environ, child("sinks", name)), table["feeds"])
            _check_path(sinks[name], paths)
    collector.check()
    return RunConfig(
        plain.get("profile", "default"),
        feeds,
        sinks,
        plain.get("log", LogOptions()),
        plain.get("status"),
        plain.get("close_timeout", _CLOSE_TIMEOUT),
        plain.get("ends_with", "last"),
        table,
    )


def _check_path(sink: SinkPlan, taken: dict[str, str]) -> None:
    """Two cannot have the same socket."""
    path = sink.table.get("path")
    if sink.table["type"] == "unix" and isinstance(path, str):
        path = os.path.realpath(path)
        if (other := taken.setdefault(path, sink.name)) != sink.name:
            raise problem(f"{child('sinks', sink.name)}.path", path, f"another one than that of sinks.{other}")


def _merged(raw: dict[str, Any], profile: str, environ: Mapping[str, str], collector: Collector) -> dict[str, Any]:
    """Every feed with its profile and the defaults; a sink where the file names none."""
    defaults = raw.get("defaults", {})
    with collector:
        Table(option_kinds()).read("defaults", filled(defaults, environ, "defaults"))
    feeds: dict[str, Any] = {}
    for name, one in raw.get("feeds", {}).items():
        if is_table(one):
            feeds[name] = merged(PROFILES[profile], defaults, one)
        else:
            collector.lines += problem(child("feeds", name), one, "a table").lines
    sinks = raw.get("sinks") or {"stdout": {"type": "stdout"}}
    # What is wrong with the defaults would be told again of every feed.
    collector.check()
    return {**raw, "profile": profile, "feeds": feeds, "sinks": sinks}


def schema() -> Schema:
    """The JSON Schema of a file, for editors."""
    properties = {name: kind.schema() for name, kind in _PLAIN.items()}
    properties["profile"]["default"] = "default"
    properties["close_timeout"]["default"] = _CLOSE_TIMEOUT
    properties["ends_with"]["default"] = "last"
    properties["defaults"] = {**Table(option_kinds()).schema(), "description": "Settings of all feeds."}
    properties["feeds"] = MapOf(Table(feed_kinds())).schema()
    properties["sinks"] = {"type": "object", "additionalProperties": sink_schema()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of holdfast run",
        "type": "object",
        "properties": properties,
        "required": ["feeds"],
        "additionalProperties": False,
    }
