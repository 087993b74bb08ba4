"""Settings: each impossible one is refused with its name, what was found, and what is allowed."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable
from typing import Any

import pytest

import holdfast
from holdfast import (
    Backoff,
    ConfigError,
    Deflate,
    DialWindow,
    Endpoint,
    FeedConfig,
    FeedOptions,
    Keepalive,
    Limits,
    MessageWindow,
    Overflow,
    Patience,
    Rebalance,
    Retry,
    Rotation,
    Service,
    ServiceLimits,
    Sharding,
    Staleness,
    Subscribing,
    Timeouts,
)
from holdfast.dialects import binance

ENDPOINT = Endpoint("wss://example.com")
NOT_POSITIVE = [0, -1, -0.5, math.inf, -math.inf, math.nan, "1", True, b"1"]
NO_COUNT = [0, -1, 1.0, 2.5, math.inf, "1", True, None]


def cases() -> list[Any]:
    """(class, field, a value it must refuse)"""
    times = [
        (Keepalive, "interval"),
        (Keepalive, "timeout"),
        (Staleness, "after"),
        (Backoff, "initial"),
        (Backoff, "maximum"),
        (Retry, "stable_after"),
        (Retry, "retry_after_cap"),
        (DialWindow, "period"),
        (Timeouts, "connect"),
        (Timeouts, "close"),
        (Rotation, "max_age"),
        (Rotation, "overlap_timeout"),
    ]
    counts = [
        (Retry, "max_policy_closes"),
        (DialWindow, "count"),
        (Limits, "max_message_size"),
        (Limits, "max_queue_size"),
        (Limits, "max_write_size"),
    ]
    return [
        *((cls, name, value) for cls, name in times for value in NOT_POSITIVE),
        *((cls, name, value) for cls, name in counts for value in NO_COUNT),
        *((Retry, "max_attempts", value) for value in NO_COUNT if value is not None),
        *((Retry, "max_redirects", value) for value in (-1, 1.0, None, True)),
        *((Limits, "max_handshake_size", value) for value in (0, 255, 1e6, None)),
        *((Deflate, "server_max_window_bits", value) for value in (7, 16, 9.0, "15", None, True)),
        *((Deflate, "client_max_window_bits", value) for value in (8, 16, 9.0, "15", None, True)),
        *((Deflate, name, value) for name in ("level", "memory_level") for value in (0, 10, -1, 6.0, None, True)),
        *((Deflate, "threshold", value) for value in NO_COUNT),
        *(
            (Deflate, f"{side}_no_context_takeover", value)
            for side in ("server", "client")
            for value in (1, 0, None, "yes")
        ),
        *((Rotation, "jitter", value) for value in (-0.1, 1.1, math.nan, "0", None, True)),
        *(
            (Rotation, "window", value)
            for value in ("02:00", ("02:00",), ["02:00", "04:00"], ("2:00", "04:00"), ("02:00", "24:00"), (2, 4))
        ),
        *((Rotation, "window", value) for value in (("02:00", "02:00"), ("02:60", "04:00"), ("02.00", "04.00"), ())),
        *((Staleness, "reconnect", value) for value in ("no", 1, None)),
        *((ServiceLimits, name, value) for name in LIMITS for value in (0, -1, 1.5, "5", True)),
        *((ServiceLimits, name, value) for name in ("ping_every", "max_age") for value in (0, -1, math.nan, "5")),
        *((ServiceLimits, name, 5) for name in ("message_window", "dial_window", "always")),
        (ServiceLimits, "always", "beats"),
        *((Backoff, "factor", value) for value in (0.99, 0, -2, math.inf, math.nan, "2", None)),
        *((Backoff, "jitter", value) for value in (-0.1, 1.1, math.nan, "0", None, True)),
        *(
            (cls, name, None)
            for cls, name in times
            if (cls, name) not in ((Keepalive, "interval"), (Staleness, "after"), (Rotation, "max_age"))
        ),
    ]


LIMITS = ("max_streams", "max_streams_per_request", "max_request_size", "max_names_size")


@pytest.mark.parametrize(
    ("arguments", "telling"),
    [
        ((5, "ws://h", ("a",)), "must be a Dialect: it has no asked_by, batches, check"),
        ((binance.spot("btcusdt@trade").dialect, "ws://h", "news"), "must be a list of names"),
        ((binance.spot("btcusdt@trade").dialect, "ws://h", None), "must be a list of names"),
    ],
)
def test_what_is_no_service_is_refused(arguments: Any, telling: str) -> None:
    with pytest.raises(ConfigError, match=telling):
        Service(*arguments)


@pytest.mark.parametrize("patience", [5, [], {5: Patience()}, {"*": 5}])
def test_patience_is_a_dict_by_pattern(patience: Any) -> None:
    with pytest.raises(ConfigError, match=r"^patience"):
        FeedConfig.build(binance.spot("btcusdt@trade"), {"patience": patience})


@pytest.mark.parametrize(("cls", "field", "value"), cases())
def test_an_impossible_setting_is_refused_by_name(cls: type[Any], field: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        cls(**{field: value})
    message = str(caught.value)
    assert message.startswith(f"{cls.__name__}.{field} = {value!r}: must be ")
    assert len(message.partition("must be ")[2]) > 5


@pytest.mark.parametrize("value", [0, -1, math.inf, "1", None, True])
def test_stall_after_is_checked(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^stall_after = .*must be"):
        FeedConfig((ENDPOINT,), stall_after=value)


@pytest.mark.parametrize("value", [0, 9, -1, 2.0, "2", None, True])
def test_legs_are_one_to_eight(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^legs = .*must be "):
        FeedConfig((ENDPOINT,), legs=value)
    assert FeedConfig((ENDPOINT,), legs=8).legs == 8


@pytest.mark.parametrize("value", [True, 3600, "02:00", {}])
def test_rotation_is_a_rotation_or_none(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^rotation = .*must be a Rotation"):
        FeedConfig((ENDPOINT,), rotation=value)
    assert FeedConfig((ENDPOINT,), rotation=None).rotation is None


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (("02:00", "04:30"), (7200, 9000)),
        (("23:00", "01:00"), (82_800, 7200)),
        (("00:00", "23:59"), (0, 86_340)),
    ],
)
def test_a_window_is_where_it_begins_and_how_long_it_is(window: tuple[str, str], seconds: tuple[int, int]) -> None:
    assert Rotation(window=window).window_seconds == seconds
    assert Rotation().window_seconds is None


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Backoff.maximum = 1.*at least Backoff.initial = 2"):
        Backoff(initial=2, maximum=1)
    with pytest.raises(ConfigError, match=r"Staleness.reconnect = True.*after"):
        Staleness(after=None, reconnect=True)


@pytest.mark.parametrize("policy", ["", "block", "PAUSE", None, 1])
def test_an_unknown_overflow_policy_is_refused(policy: Any) -> None:
    with pytest.raises(ConfigError, match=r"Overflow.policy = .*must be one of pause, drop_oldest"):
        Overflow(policy)


def test_only_conflation_takes_a_key_and_it_needs_one() -> None:
    with pytest.raises(ConfigError, match=r"Overflow.key = None: must be"):
        Overflow("conflate")
    with pytest.raises(ConfigError, match=r"Overflow.key = .*must be"):
        Overflow("drop_oldest", key=len)
    assert Overflow("conflate", key=len).key is len


def test_the_edges_of_what_is_allowed() -> None:
    assert Keepalive(interval=None).interval is None
    assert Staleness(after=None).after is None
    assert Retry(max_attempts=None, max_redirects=0).max_redirects == 0
    assert Backoff(initial=3, factor=1, maximum=3, jitter=0).pause(9, 0.9) == 3
    assert Limits(max_message_size=1, max_queue_size=1, max_handshake_size=256).max_message_size == 1


def test_settings_cannot_be_changed() -> None:
    config = FeedConfig((ENDPOINT,))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.stall_after = 2.0  # type: ignore[misc]


# FeedConfig and FeedOptions


def test_options_and_config_agree_field_by_field() -> None:
    options = typing.get_type_hints(FeedOptions)
    fields = typing.get_type_hints(FeedConfig)
    of_endpoint = {"headers", "subprotocols", "tls", "server_name", "proxy"}
    assert set(options) == (set(fields) - {"targets", "dialect", "streams"}) | of_endpoint
    assert of_endpoint <= {field.name for field in dataclasses.fields(Endpoint) if field.init}
    for name in options.keys() - of_endpoint - {"on_open"}:
        assert options[name] == fields[name], name
    assert not FeedOptions.__required_keys__


async def log_in(connection: object) -> None:
    """An on_connect."""


def test_every_option_reaches_the_config() -> None:
    options: FeedOptions = {
        "on_connect": log_in,
        "on_open": ["a", b"b"],
        "patience": {"*": Patience(first=1)},
        "subscribing": Subscribing(11),
        "message_window": MessageWindow(12),
        "name": "mine",
        "headers": {"X-A": "1"},
        "subprotocols": ["v1"],
        "tls": (context := object()),
        "server_name": "name",
        "proxy": "http://p",
        "user_agent": "me/1",
        "keepalive": Keepalive(1, 2),
        "staleness": Staleness(3),
        "backoff": Backoff(1, 3, 9, 0),
        "retry": Retry(4),
        "dial_window": DialWindow(5, 6),
        "timeouts": Timeouts(7, 8),
        "limits": Limits(9),
        "overflow": Overflow("drop_oldest"),
        "stall_after": 10.0,
        "compression": Deflate(level=1),
        "legs": 2,
        "rotation": Rotation(max_age=60.0),
        "check_sequences": False,  # without a dialect; so is this
        "resync": None,
        "sharding": Sharding(13),
        "rebalance": Rebalance(14),
        "restart_after": 15,
        "memory_limit": 16_000,
        "dial_window_file": "17",
    }
    assert set(options) == FeedOptions.__optional_keys__
    config = FeedConfig.build("wss://h", options)
    assert config.targets == (Endpoint("wss://h", (("X-A", "1"),), ("v1",), context, "name", "http://p"),)
    assert config == FeedConfig(
        config.targets,
        log_in,
        ("a", b"b"),
        None,
        (),
        {"*": Patience(first=1)},
        Subscribing(11),
        MessageWindow(12),
        "mine",
        "me/1",
        Keepalive(1, 2),
        Staleness(3),
        Backoff(1, 3, 9, 0),
        Retry(4),
        DialWindow(5, 6),
        Timeouts(7, 8),
        Limits(9),
        Overflow("drop_oldest"),
        10.0,
        Deflate(level=1),
        2,
        Rotation(max_age=60.0),
        False,
        None,
        Sharding(13),
        Rebalance(14),
        15,
        16_000,
        "17",
    )


def test_headers_may_be_pairs_or_a_mapping_and_repeat() -> None:
    pairs = [("X-A", "1"), ("X-A", "2")]
    assert FeedConfig.build("ws://h", {"headers": pairs}).targets == (Endpoint("ws://h", tuple(pairs)),)
    assert FeedConfig.build("ws://h", {"headers": iter(pairs)}).targets == (Endpoint("ws://h", tuple(pairs)),)


def test_an_endpoint_may_be_the_source() -> None:
    assert FeedConfig.build(ENDPOINT, {}).targets == (ENDPOINT,)


BAD_BUILDS: list[tuple[object, dict[str, object], str]] = [
    (5, {}, "source = 5: must be"),
    (None, {}, "source = None: must be"),
    (ENDPOINT, {"headers": {}}, "headers.*on the Endpoint"),
    (
        ENDPOINT,
        {"tls": None, "server_name": "x"},
        "tls, server_name.*on the Endpoint|server_name, tls.*on the Endpoint",
    ),
    ("ws://h", {"on_open": "subscribe"}, r"on_open.*on_open=\["),
    ("ws://h", {"on_open": b"subscribe"}, r"on_open.*on_open=\["),
    ("ws://h", {"on_open": [1]}, "on_open = 1: must be"),
    ("ws://h", {"on_open": ["\ud800"]}, "on_open = .*must be"),
    ("ws://h", {"on_open": [{"op": "subscribe"}]}, "on_open = .*must be"),
    ("ws://h", {"subprotocols": "v1"}, r"subprotocols = 'v1'.*subprotocols=\["),
    ("ws://h", {"keep_alive": Keepalive()}, "unknown option keep_alive: choose from .*keepalive"),
    ("ws://h", {"endpoint": ENDPOINT}, "unknown option endpoint"),
    ("ws://h", {"user_agent": "a\nb"}, "User-Agent"),
    ("ws://h", {"headers": {"Host": "x"}}, "Host"),
    ("http://h", {}, "ws://"),
]


@pytest.mark.parametrize(("source", "options", "telling"), BAD_BUILDS)
def test_bad_arguments_are_refused_with_advice(source: Any, options: Any, telling: str) -> None:
    with pytest.raises(ConfigError, match=telling):
        FeedConfig.build(source, options)


WRONG_TYPES: list[tuple[str, object]] = [
    ("keepalive", 20),
    ("staleness", None),
    ("backoff", 1.5),
    ("retry", 3),
    ("dial_window", (1, 2)),
    ("timeouts", 10),
    ("limits", {}),
    ("compression", True),
    ("compression", "deflate"),
    ("compression", Deflate),
    ("on_open", None),
    ("subprotocols", [5]),
    ("subprotocols", None),
    ("headers", "X-A: 1"),
    ("headers", {"X-A": 1}),
    ("headers", None),
    ("user_agent", 5),
    ("server_name", 5),
]


@pytest.mark.parametrize(("option", "value"), WRONG_TYPES)
def test_an_option_of_the_wrong_type_is_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"(?i){option.rstrip('s')}"):
        FeedConfig.build("ws://h", typing.cast(FeedOptions, {option: value}))


@pytest.mark.parametrize("make", [lambda huge: Keepalive(interval=huge), lambda huge: Backoff(factor=huge)])
def test_a_number_beyond_float_is_refused(make: Callable[[int], object]) -> None:
    try:
        make(10**400)
    except ConfigError:
        return
    except OverflowError as error:
        pytest.fail(f"OverflowError: {error}")
    pytest.fail("taken")


def test_a_url_in_place_of_an_endpoint_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        FeedConfig("wss://user:hunter2@h")  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_everything_public_is_exported() -> None:
    assert sorted(holdfast.__all__) == sorted(set(holdfast.__all__))
    assert all(hasattr(holdfast, name) for name in holdfast.__all__)
