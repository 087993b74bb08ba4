"""What a file comes to, as TOML that `run` would take again: its profile and all defaults in it, no secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, cast

from holdfast import Endpoint, Service
from holdfast_cli.run.feed_plan import FeedPlan, option_kinds
from holdfast_cli.run.file import RunConfig
from holdfast_cli.run.guards import is_list, is_table
from holdfast_cli.run.hiding import hidden
from holdfast_cli.run.hints import default_of, plain
from holdfast_cli.run.sink_plan import SinkPlan
from holdfast_cli.run.toml import toml

_OF_ENDPOINT = {one.name: default_of(one) for one in fields(Endpoint) if one.init}


def shown(config: RunConfig) -> str:
    """Variables of the environment stand as in the file; other secrets are masked."""
    table = config.table
    result: dict[str, Any] = {
        "profile": config.profile,
        "close_timeout": config.close_timeout,
        "ends_with": config.ends_with,
        "log": plain(config.log),
    }
    if config.status is not None:
        result["status"] = _resolved(config.status, table["status"])
    result["feeds"] = {name: _feed(plan, table["feeds"][name]) for name, plan in config.feeds.items()}
    result["sinks"] = {name: _sink(plan, table["sinks"][name]) for name, plan in config.sinks.items()}
    return toml(hidden(result))


def _feed(plan: FeedPlan, raw: Mapping[str, Any]) -> dict[str, Any]:
    result = {name: raw[name] for name in ("service", "url", "url_from") if name in raw}
    for name in option_kinds():
        if hasattr(plan.config, name):
            result[name] = _resolved(getattr(plan.config, name), raw.get(name))
        elif name in raw:
            result[name] = raw[name]
        elif _OF_ENDPOINT.get(name) is not None:
            result[name] = plain(_OF_ENDPOINT[name])
    if isinstance(plan.source, Service):
        result["streams"] = list(plan.streams)
    return result


def _sink(plan: SinkPlan, raw: Mapping[str, Any]) -> dict[str, Any]:
    made = plan.make()
    own = _resolved(plan.options, raw)
    if is_dataclass(made) and not isinstance(made, type):
        own |= _resolved(made, raw)
    return {"type": raw["type"], **own, **{name: value for name, value in raw.items() if name not in own}}


def _resolved(built: Any, raw: Any) -> Any:
    """The value that a setting has; as the file says it where the environment has a say, and for functions."""
    if isinstance(raw, str) and ("${" in raw or callable(built)):
        return raw
    if is_dataclass(built) and not isinstance(built, type):
        given: Mapping[str, Any] = raw if is_table(raw) else {}
        return {one.name: _resolved(getattr(built, one.name), given.get(one.name)) for one in fields(built) if one.init}
    if is_table(built):
        given = raw if is_table(raw) else {}
        return {name: _resolved(one, given.get(name)) for name, one in built.items()}
    if isinstance(built, list | tuple):
        values = list(cast("Sequence[Any]", built))
        listed: list[Any] = raw if is_list(raw) and len(raw) == len(values) else [None] * len(values)
        return [_resolved(one, its) for one, its in zip(values, listed, strict=True)]
    return plain(built)
