"""What a voyage will be like, all of it drawn from one seed: settings, service and its rules, weather, troubles.

Not every voyage meets every trouble or every rule: which kinds occur, and how often, is drawn too ("swarm testing"). A
mix of everything all the time hides what only shows when one thing happens alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from fuzz.bound_plan import DrawnBounds, draw_bounds
from fuzz.dial_plan import DrawnDials, draw_dials
from fuzz.dialect import Spoken
from fuzz.doors import names_of
from fuzz.effort import hush, length_of
from fuzz.leg_plan import SHARE_WITH_LEGS, DrawnLegs, draw_legs
from fuzz.leg_troubles import LEG_TROUBLES, ROTATING
from fuzz.number_plan import DrawnDoors, DrawnNumbers, DrawnResync, draw_doors, draw_numbers
from fuzz.number_troubles import can_occur, haste
from fuzz.shard_plan import SHARE_WITH_SHARDS, DrawnShards, draw_shards
from fuzz.stream_plan import SHARE_WITH_STREAMS, Drawn, draw_streams
from fuzz.stream_troubles import STREAM_TROUBLES
from holdfast import (
    Backoff,
    DialWindow,
    FeedConfig,
    FeedOptions,
    Keepalive,
    Limits,
    Overflow,
    Retry,
    Service,
    Staleness,
    Timeouts,
)
from holdfast.testing import Rules
from holdfast.testing.world import Chance, Weather

HOUR = 3600.0
HOST = "feed.test"
Policy = Literal["pause", "drop_oldest", "drop_newest", "conflate", "fail"]
POLICIES: tuple[Policy, ...] = ("pause", "pause", "pause", "drop_oldest", "drop_newest", "conflate", "fail")

# How long after one trouble the next may come, on average, in seconds. Drawn for every kind of a voyage.
_PAUSES = (120.0, 600.0, 1800.0, 7200.0)
_CALMS = (1.0, 1.0, 10.0, 30.0, 100.0)  # times as long are all pauses of a voyage

_BOUNDS = ("memory_limit", "restart_after")

LONGEST_RETRY_AFTER = 30  # seconds, of all that a service of a voyage asks for
NOTICE = '{"event":"serverShutdown"}'
_DIAL_MARGIN = 0.5  # seconds; jitter brings dials nearer to each other than they were made


@dataclass(frozen=True)
class Plan:
    """One voyage. `pauses`: mean seconds between troubles, by kind; kinds that do not occur are missing.

    `heals`: whether all is well for a while before the feed is closed. `spoken`: the dialect of a feed that wants
    streams, to begin with those `wanted`, of which the URL asks for `in_url`; None for a plain feed, whose streams are
    all in the URL.
    """

    seed: int
    seconds: float
    options: FeedOptions
    streams: tuple[str, ...]
    rate: float
    flush_every: float
    server_ping: float | None
    weather: Weather
    pauses: dict[str, float]
    heals: bool
    rules: Rules = field(default_factory=Rules)
    spoken: Spoken | None = None
    wanted: tuple[str, ...] = ()
    in_url: tuple[str, ...] = ()
    resync: DrawnResync | None = None
    doors: DrawnDoors = field(default_factory=DrawnDoors)
    dials: DrawnDials = field(default_factory=DrawnDials)

    @property
    def rules_in_force(self) -> tuple[str, ...]:
        """Their names; the two that only say how another is carried out are none."""
        details = ("max_age_code", "notice_before")
        return tuple(
            rule.name
            for rule in fields(Rules)
            if rule.name not in details and getattr(self.rules, rule.name) != rule.default
        )

    @property
    def traits(self) -> tuple[str, ...]:
        """What only some voyages have."""
        spoken, options = self.spoken, self.options
        has = {
            "streams": spoken is not None,
            "numbers": spoken is not None and spoken.numbers,
            "keys that come again": spoken is not None and spoken.key == "number",
            "counted connections": spoken is not None and spoken.limits.counts,
            "check_sequences": options.get("check_sequences", False),
            "resync": self.resync is not None,
            "shards": self.is_sharded,
            "max_connections": self.is_sharded and options["sharding"].max_connections is not None,
            "rebalance": self.is_sharded and options.get("rebalance") is not None,
            "legs": options.get("legs", 1) > 1,
            "rotation": options.get("rotation") is not None,
            "several endpoints": self.doors.count > 1,
            "an endpoint that stays shut": self.doors.dead is not None,
            "memory_limit": options.get("memory_limit") is not None,
            "restart_after": options.get("restart_after") is not None,
            "endpoints made anew": self.dials.makes,
            "on_connect": self.dials.greets,
            "a window shared with others": self.dials.shared,
            "compression": options.get("compression") is not None,
        }
        return tuple(trait for trait, is_there in has.items() if is_there)

    @property
    def overlaps(self) -> bool:
        """Whether several connections may carry the same streams."""
        options = self.options
        return options.get("legs", 1) > 1 or options.get("rotation") is not None or not ROTATING.isdisjoint(self.pauses)

    @property
    def is_sharded(self) -> bool:
        """Whether the streams may need several connections."""
        return "sharding" in self.options

    @property
    def most_per_shard(self) -> int:
        """So many streams one of several may carry."""
        if not self.is_sharded or self.spoken is None:
            return len(self.streams)
        limits = self.options["sharding"].max_streams_per_connection, self.spoken.limits.max_streams
        return min(each for each in limits if each is not None)

    @property
    def most_shards(self) -> int:
        """So many there may be."""
        needed = math.ceil(len(self.streams) / self.most_per_shard)
        most = self.options["sharding"].max_connections if self.is_sharded else None
        return needed if most is None else min(needed, most // self.options.get("legs", 1))

    @property
    def is_manifold(self) -> bool:
        """Whether several connections may be there at the same time, for whatever reason."""
        return self.overlaps or self.is_sharded

    def longest_hush(self, seconds: float) -> float:
        """So long, or less where much is said in that time, and healing would take as long."""
        return hush(seconds, self.rate)

    def first(self, seconds: float) -> Plan:
        """The beginning of it."""
        return replace(self, seconds=min(seconds, self.seconds))

    @property
    def config(self) -> FeedConfig:
        return self.config_for(self.spoken)

    def config_for(self, spoken: Spoken | None) -> FeedConfig:
        """With this dialect, or one that is the same but for an ear."""
        asked = self.streams if spoken is None else self.in_url
        target = f"stream?streams={'/'.join(asked)}" if asked else "stream"
        urls = [f"ws://{name}/{target}" for name in names_of(HOST, self.doors.count)]
        return FeedConfig.build(urls if spoken is None else Service(spoken, urls, self.wanted), self.options)

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} every {pause:g} s" for kind, pause in sorted(self.pauses.items()))
        legs, rotation = self.options.get("legs", 1), self.options.get("rotation")
        rules = ", ".join(f"{name} {getattr(self.rules, name)}" for name in self.rules_in_force)
        return (
            f"seed {self.seed}: {self.seconds / HOUR:g} h, {self.rate:g} messages/s, {kinds or 'no troubles'}, "
            f"rules: {rules or 'none'}"
            + (f", {legs} legs" if legs > 1 else "")
            + (f", up to {self.most_shards} shards" if self.is_sharded else "")
            + (f", {rotation}" if rotation is not None else "")
            + "".join(f", {name} {self.options.get(name)}" for name in _BOUNDS if self.options.get(name) is not None)
            + (f", {self.doors}" if self.doors.count > 1 else "")
            + (f", {self.dials}" if self.dials != DrawnDials() else "")
            + (", sequences checked" if self.options.get("check_sequences") else "")
            + (f", {self.resync}" if self.resync is not None else "")
            + (f", {len(self.wanted)} of {len(self.streams)} streams, {self.spoken}" if self.spoken else "")
        )


def draw_plan(
    seed: int, kinds: tuple[str, ...], seconds: float | None = None, *, plain: bool = False, single: bool = False
) -> Plan:
    """The voyage of a seed. `kinds`: all troubles there are. `plain`: none of those with a dialect. `single`: none of
    those with several connections.
    """
    chance = Chance(seed).fork("plan")
    rate = 10 ** (chance.random() * 3.78 - 1.78)  # from one a minute to a hundred a second
    plan = Plan(
        seed=seed,
        seconds=seconds if seconds is not None else math.inf,
        options=_draw_options(chance, rate),
        streams=tuple(f"s{number}" for number in range(1 + chance.below(3))),
        rate=rate,
        flush_every=chance.choice((0.25, 0.5, 1.0)) if rate > 1 else 0.25,
        server_ping=chance.choice((None, 20.0, 180.0)),
        weather=Weather(
            delay=chance.choice((0.0, 0.0625, 0.25)),
            jitter=chance.choice((0.0, 0.0, 0.125)),
            split=chance.choice((0.0, 0.0, 0.2)),
        ),
        pauses={
            kind: chance.choice(_PAUSES)
            for kind in kinds
            if kind not in STREAM_TROUBLES and kind not in LEG_TROUBLES and chance.chance(0.5)
        },
        heals=chance.chance(0.8),
    )
    chance = Chance(seed).fork("streams")
    drawn = draw_streams(chance, rate) if not plain and chance.chance(SHARE_WITH_STREAMS) else None
    if drawn is not None:
        plan = _with_streams(plan, drawn, chance, kinds)
        plan = _with_numbers(plan, draw_numbers(Chance(seed).fork("numbers"), drawn.spoken))
        chance = Chance(seed).fork("shards")
        if chance.chance(SHARE_WITH_SHARDS):
            plan = _with_shards(plan, draw_shards(chance, len(plan.streams)))
    if not plain:
        plan = _with_bounds(plan, draw_bounds(Chance(seed).fork("bounds")))
        plan = replace(plan, doors=draw_doors(Chance(seed).fork("doors")), dials=draw_dials(Chance(seed).fork("dials")))
    rules = _draw_rules(Chance(seed).fork("rules"), plan)
    if drawn is not None:
        rules = replace(
            rules,
            message_limit=drawn.message_limit,
            subscribe_within=drawn.subscribe_within,
            max_streams=drawn.max_streams,
            compress=drawn.compression is not None and drawn.compress,
        )
    plan = replace(plan, rules=rules)
    if plan.is_sharded:
        plan = replace(plan, rules=_for_many(plan))
    chance = Chance(seed).fork("legs")
    if not single and chance.chance(SHARE_WITH_LEGS):
        plan = _with_legs(plan, draw_legs(chance), chance, kinds)
    calm = Chance(seed).fork("calm").choice(_CALMS)
    pauses = {kind: calm * pause / haste(kind) for kind, pause in plan.pauses.items() if can_occur(kind, plan)}
    plan = replace(plan, pauses=pauses)
    if seconds is None:
        plan = replace(plan, seconds=length_of(plan))
    return plan


def _with_streams(plan: Plan, drawn: Drawn, chance: Chance, kinds: tuple[str, ...]) -> Plan:
    # Perhaps only one of the streams is wanted: the feed must be patient enough for that.
    options = _draw_options(chance, plan.rate / len(drawn.streams))
    options = {**options, "subscribing": drawn.subscribing, "compression": drawn.compression}
    pauses = {kind: chance.choice(_PAUSES) for kind in kinds if kind in STREAM_TROUBLES and chance.chance(0.5)}
    return replace(
        plan,
        options=options,
        streams=drawn.streams,
        wanted=drawn.wanted,
        in_url=drawn.in_url,
        spoken=drawn.spoken,
        pauses=plan.pauses | pauses,
    )


def _with_numbers(plan: Plan, drawn: DrawnNumbers) -> Plan:
    options: FeedOptions = {**plan.options, "check_sequences": drawn.check_sequences}
    return replace(plan, options=options, spoken=drawn.spoken, resync=drawn.resync)


def _with_legs(plan: Plan, drawn: DrawnLegs, chance: Chance, kinds: tuple[str, ...]) -> Plan:
    pauses = {kind: chance.choice(_PAUSES) for kind in kinds if kind in LEG_TROUBLES and chance.chance(0.6)}
    weather = replace(plan.weather, delay=max(plan.weather.delay, drawn.delay))
    spoken, max_age = plan.spoken, plan.rules.max_age
    if spoken is not None and max_age is not None and drawn.knows_age:
        spoken = replace(spoken, limits=replace(spoken.limits, max_age=max_age))
    rules = _for_many(plan) if drawn.legs > 1 else plan.rules
    options: FeedOptions = {**plan.options, "legs": drawn.legs, "rotation": drawn.rotation}
    if plan.is_sharded and (most := options["sharding"].max_connections) is not None:
        options["sharding"] = replace(options["sharding"], max_connections=most * drawn.legs)
    return replace(plan, options=options, rules=rules, weather=weather, spoken=spoken, pauses=plan.pauses | pauses)


def _with_bounds(plan: Plan, drawn: DrawnBounds) -> Plan:
    options: FeedOptions = {
        **plan.options,
        "memory_limit": drawn.memory_limit,
        "restart_after": drawn.restart_after,
    }
    return replace(plan, options=options)


def _with_shards(plan: Plan, drawn: DrawnShards) -> Plan:
    options: FeedOptions = {**plan.options, "sharding": drawn.sharding, "rebalance": drawn.rebalance}
    plan = replace(plan, options=options, in_url=())  # on each connection it would bring all of these
    if drawn.most is None:
        return plan
    most = max(drawn.most, math.ceil(len(plan.wanted) / plan.most_per_shard))
    return replace(plan, options={**options, "sharding": replace(drawn.sharding, max_connections=most)})


def _for_many(plan: Plan) -> Rules:
    """For several connections at a time."""
    rules, window = plan.rules, plan.config.dial_window
    if rules.dial_limit is not None:
        # Together they would dial too often for a tighter one, for ever: those refused count as well.
        rules = replace(rules, dial_limit=(window.count, window.period - _DIAL_MARGIN, rules.dial_limit[2]))
    return replace(rules, fragment=min(rules.fragment, 2))  # they would take most of a voyage's time


def _draw_options(chance: Chance, rate: float) -> FeedOptions:
    policy = chance.choice(POLICIES)
    initial = chance.choice((0.25, 0.5, 1.0))
    interval = chance.choice((None, 5.0, 20.0, 20.0, 60.0))
    reconnect = interval is None or chance.chance(0.4)  # without pings, silence is the only sign of a dead peer
    # A feed that is rightly silent for longer than this would be torn down again and again.
    stale = max(chance.choice((30.0, 120.0, 600.0)), math.ceil(4 / rate))
    return {
        "keepalive": Keepalive(interval, chance.choice((2.5, 5.0, 20.0))),
        "staleness": Staleness(stale, reconnect=reconnect),
        "backoff": Backoff(
            initial, chance.choice((1.0, 2.0, 3.0)), chance.choice((4.0, 30.0, 120.0)), chance.choice((0.0, 0.5, 1.0))
        ),
        "retry": Retry(stable_after=chance.choice((5.0, 30.0, 300.0)), max_policy_closes=chance.choice((3, 5, 1000))),
        "dial_window": chance.choice((DialWindow(), DialWindow(5, 60.0), DialWindow(300, 300.0))),
        "timeouts": Timeouts(connect=chance.choice((5.0, 10.0)), close=chance.choice((1.0, 5.0))),
        "limits": Limits(max_queue_size=chance.choice((20_000, 100_000, 64 * 1024 * 1024)), max_message_size=100_000),
        "overflow": Overflow(policy, key=(lambda message: str(message)[:16]) if policy == "conflate" else None),
        "stall_after": chance.choice((1.0, 5.0, 20.0)),
        "rotation": None,
    }


def _draw_rules(chance: Chance, plan: Plan) -> Rules:
    """Each in one voyage of five, where it can be."""

    def occurs() -> bool:
        return chance.chance(0.2)

    limits_dials = occurs() and plan.doors.count == 1  # our window is that of a name, the service's that of us
    pongs = plan.server_ping is not None and occurs()
    aged = occurs()
    notice = aged and chance.chance(0.5)
    return Rules(
        pong_timeout=chance.choice((2.5, 10.0, 60.0)) if pongs else None,
        dial_limit=_draw_dial_limit(chance, plan) if limits_dials else None,
        # Longer than any `stable_after`: a feed that is never healthy is away for most of the time, and rightly so.
        max_age=chance.choice((600.0, HOUR, 24 * HOUR)) if aged else None,
        max_age_code=chance.choice((1000, 1001, 1012, None)),
        notice=NOTICE if notice else None,
        notice_before=chance.choice((0.0, 10.0, 60.0)),
        # Not much more often than messages, or they would take most of a voyage's time.
        heartbeat=max(chance.choice((1.0, 5.0, 30.0)), math.ceil(1 / plan.rate)) if occurs() else None,
        silent=frozenset(plan.streams[1 + chance.below(len(plan.streams)) :]) if occurs() else frozenset(),
        fragment=chance.choice((2, 3, 10)) if occurs() else 0,
    )


def _draw_dial_limit(chance: Chance, plan: Plan) -> tuple[int, float, int | None]:
    """One that our own window keeps, or a tighter one, which refuses; then Retry-After says how to be let in."""
    window = plan.config.dial_window
    if chance.chance(0.5):
        return window.count, window.period - _DIAL_MARGIN, chance.choice((None, LONGEST_RETRY_AFTER))
    return chance.choice(((1, 5.0, 5), (3, 10.0, 10), (5, 30.0, LONGEST_RETRY_AFTER)))
