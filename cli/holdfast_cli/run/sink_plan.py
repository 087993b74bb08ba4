"""One sink of a file: what it is made of, and which lines it gets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any, cast, get_type_hints

from holdfast.checks import count
from holdfast.settings import MIB
from holdfast_cli.run.guards import is_table
from holdfast_cli.run.hints import kind_or_anything, table_of
from holdfast_cli.run.kinds import Named, Schema, Table
from holdfast_cli.run.problems import Problems, child, one_of, problem, under
from holdfast_cli.run.sinks import Files, Sink, Stdout, UnixSocket

SINKS: dict[str, type[Sink]] = {"stdout": Stdout, "files": Files, "unix": UnixSocket}


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """What every sink has. `feeds`: whose lines it gets; all, if none is named. `messages`, `events`: whether these are
    among them. `max_queue`: bytes that may wait for it; what is more is lost, and declared.
    """

    feeds: tuple[str, ...] = ()
    messages: bool = True
    events: bool = True
    max_queue: int = 64 * MIB

    def __post_init__(self) -> None:
        count("max_queue", self.max_queue, least=1024)


_COMMON = table_of(SinkOptions)


@dataclass(frozen=True, slots=True, eq=False)
class SinkPlan:
    """`make` gives the sink, not yet opened. `table`: what the file says."""

    name: str
    make: Callable[[], Sink]
    options: SinkOptions
    table: Mapping[str, Any] = field(repr=False)

    def is_for(self, feed: str) -> bool:
        return not self.options.feeds or feed in self.options.feeds


def read_sink(name: str, table: Any, feeds: Iterable[str]) -> SinkPlan:
    """Raises Problems."""
    key = child("sinks", name)
    if not is_table(table):
        raise problem(key, table, "a table")
    rest = dict(table)
    kind = rest.pop("type", None)
    if kind is None:
        raise Problems(
            [f'{child(key, "type")} is missing: must be one of {", ".join(SINKS)}, or "package.module:Class"']
        )
    made = _class(child(key, "type"), kind)
    own = _table_of_class(made)
    read = Table({**_COMMON.keys, **own.keys}, required=own.required).read(key, rest)
    with under(key):
        options = SinkOptions(**{one: value for one, value in read.items() if one in _COMMON.keys})
    given = {one: value for one, value in read.items() if one not in _COMMON.keys}
    for index, feed in enumerate(options.feeds):
        if feed not in feeds:
            raise problem(f"{child(key, 'feeds')}[{index}]", feed, one_of(feed, feeds))
    with under(key):
        try:
            made(**given)  # whatever is wrong shows now
        except (TypeError, ValueError) as error:
            raise Problems([f"{key}: {error}"]) from None
    return SinkPlan(name, lambda: made(**given), options, table)


def _class(key: str, name: object) -> Callable[..., Sink]:
    if isinstance(name, str) and name in SINKS:
        return cast("Callable[..., Sink]", SINKS[name])
    if not isinstance(name, str) or ":" not in name:
        known = one_of(name, SINKS) if isinstance(name, str) else f"one of {', '.join(SINKS)}"
        raise problem(key, name, f'{known}, or "package.module:Class"')
    found = Named().read(key, name)
    if missing := [one for one in ("open", "write", "close") if not callable(getattr(found, one, None))]:
        raise problem(key, name, f"a class of sinks, with open, write and close; it has no {', '.join(missing)}")
    return cast("Callable[..., Sink]", found)


def _table_of_class(made: Callable[..., Sink]) -> Table:
    """The keys of its table: the arguments of the class, with what their type hints allow."""
    if is_dataclass(made):
        return table_of(cast(type, made))
    parameters = inspect.signature(made).parameters.values()
    try:
        hints = get_type_hints(made.__init__)
    except Exception:  # hints that cannot be evaluated say nothing
        hints = {}
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    kinds = {one.name: kind_or_anything(hints.get(one.name)) for one in named}
    return Table(kinds, required=[one.name for one in named if one.default is one.empty])


def sink_schema() -> Schema:
    """Of one sink: the keys of each type, and any for those that are the user's own."""
    kinds: list[Schema] = []
    for name, made in SINKS.items():
        own = _table_of_class(made)
        schema = Table({**_COMMON.keys, **own.keys}, required=own.required, description=made.__doc__ or "").schema()
        schema["properties"]["type"] = {"const": name}
        schema["required"] = ["type", *own.required]
        kinds.append(schema)
    foreign = {name: kind.schema() for name, kind in _COMMON.keys.items()}
    foreign["type"] = Named().schema()
    kinds.append({"type": "object", "properties": foreign, "required": ["type"]})
    return {"anyOf": kinds}
