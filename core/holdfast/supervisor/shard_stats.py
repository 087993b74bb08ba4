"""A shard in figures: what its legs are doing, and what its tally has counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.config import FeedConfig
from holdfast.dialects.words import Update
from holdfast.events import Message
from holdfast.source import shown
from holdfast.stats import LegStats, ShardStats, StreamStats
from holdfast.supervisor.confluence import Confluence
from holdfast.supervisor.leg import Leg
from holdfast.supervisor.mistakes import lag_of
from holdfast.supervisor.stream_watch import Watched
from holdfast.supervisor.tally import Tally

if TYPE_CHECKING:
    from holdfast.supervisor.supervisor import Supervisor

_LOOKED_AT = 16  # messages of a chunk


def shard_stats(shard: Supervisor, legs: Confluence, tally: Tally, config: FeedConfig, now: float) -> ShardStats:
    """At this moment."""
    current = [leg.current for leg in legs.legs if leg.is_open and leg.current is not None]
    unacknowledged, refused, silent = _standing(legs)
    rate, byte_rate = tally.pace.rates(tally.messages, tally.bytes, now)
    uptime, open_for = tally.uptime.read(now)
    connected_at = tally.uptime.connected_at
    return ShardStats(
        state=shard.state.value,
        streams=len(legs.wanted),
        messages=tally.messages,
        received_bytes=tally.bytes,
        dials=tally.dials,
        connections=tally.connections,
        attempt=min(0 if leg.is_healthy else leg.redial.attempt for leg in legs.legs),
        gaps=tally.gaps,
        rotations=tally.rotations,
        losses=dict(tally.losses),
        connected_for=max((now - one.opened_at for one in current), default=None),
        data_age=now - shard.data_at if shard.data_at is not None else None,
        byte_age=min((now - one.last_received for one in current), default=None),
        rtt=tally.rtt,
        last_failure=str(tally.last_failure) if tally.last_failure else None,
        legs=tuple(leg_stats(leg, now) for leg in legs.legs),
        unacknowledged=unacknowledged,
        refused=refused,
        silent=silent,
        stale=_is_stale(legs.legs, config, now),
        rate=rate,
        byte_rate=byte_rate,
        history=tally.pace.history(tally.messages, now),
        rtts=tally.rtts.read,
        lags=tally.lags.read,
        gap_causes=dict(tally.gap_causes),
        gap_seconds=tally.gap_seconds,
        uptime=uptime,
        open_for=open_for,
        connect_age=now - connected_at if connected_at is not None else None,
        rebalances=tally.rebalances,
    )


def leg_stats(leg: Leg, now: float) -> LegStats:
    """At this moment."""
    current, tally = leg.current, leg.tally
    endpoint = current.endpoint if current is not None else None
    return LegStats(
        conn=current.conn if current is not None else None,
        state=leg.state.value,
        url=shown(endpoint or leg.redial.target),
        connected_for=now - current.opened_at if current is not None and leg.is_open else None,
        first=tally.first,
        duplicates=tally.duplicates,
        lateness=tally.lateness,
        losses=dict(tally.losses),
    )


def stream_stats(legs: Confluence, tally: Tally, shard: int, now: float) -> dict[str, StreamStats]:
    """Of each that is wanted, at this moment."""
    watched, states = _watched(legs), legs.stream_states()
    return {stream: _stats_of(watched[stream], states[stream], tally, stream, shard, now) for stream in states}


def _stats_of(watched: list[Watched], state: str, tally: Tally, stream: str, shard: int, now: float) -> StreamStats:
    books = tally.stream(stream)
    messages = books.messages + sum(one.messages for one in watched)
    heard_at = max((one.data_at for one in watched if one.data_at is not None), default=None)
    return StreamStats(
        shard=shard,
        state=state,
        messages=messages,
        bytes=books.bytes + sum(one.bytes for one in watched),
        rate=books.rate(messages, now),
        data_age=now - heard_at if heard_at is not None else None,
        lag=books.lag,
        silent=_is_silent(watched),
    )


def note_streams(legs: Confluence, tally: Tally, now: float) -> None:
    """How many messages of each have come until now, as `StreamTally.note` wants it."""
    for stream, watched in _watched(legs).items():
        books = tally.stream(stream)
        books.note(books.messages + sum(one.messages for one in watched), now)


def note_lags(messages: list[Message], tally: Tally, wall_now: float) -> None:
    """How late the latest of these are. `wall_now`: Unix seconds."""
    for message in messages[-_LOOKED_AT:]:
        if not isinstance(message, Update):
            continue
        if (late := lag_of(message, wall_now)) is not None:
            lag = max(0.0, late)  # the service's clock may be ahead of ours
            tally.lags.add(lag)
            if message.stream in tally.streams:
                tally.streams[message.stream].lag = lag


def _watched(legs: Confluence) -> dict[str, list[Watched]]:
    """Each stream, as each leg sees it."""
    found: dict[str, list[Watched]] = {stream: [] for stream in legs.wanted}
    for leg in legs.legs:
        for stream, watched in leg.streams.watched.items() if leg.streams is not None else ():
            if stream in found:
                found[stream].append(watched)
    return found


def _is_silent(watched: list[Watched]) -> bool:
    """Whether nobody who carries it has heard of it since it fell silent."""
    held = [one for one in watched if one.held]
    return bool(held) and all(one.missed_since is not None for one in held)


def _standing(legs: Confluence) -> tuple[int, int, int]:
    """How many streams are not acknowledged, how many refused, and how many silent."""
    streams = legs.legs[0].streams
    if len(legs.legs) == 1 and streams is not None and streams.is_settled:  # the rule; there may be thousands
        silent = [one for one in streams.watched.values() if one.held and one.missed_since is not None]
        return 0, len(streams.refused), len(silent)
    states = list(legs.stream_states().values())
    silent_ones = sum(_is_silent(watched) for watched in _watched(legs).values())
    return states.count("wanted") + states.count("asked"), states.count("refused"), silent_ones


def _is_stale(legs: list[Leg], config: FeedConfig, now: float) -> bool:
    patience = config.staleness.after
    silent = [now - leg.data.silent_since for leg in legs if leg.is_open and not leg.is_paused]
    return patience is not None and bool(silent) and min(silent) >= patience
