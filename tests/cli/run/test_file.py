"""What a file may say, what it comes to, and what is said about one that is wrong."""

from __future__ import annotations

import ssl
import tomllib
from pathlib import Path

import pytest
import trustme

from holdfast import Backoff, FeedOptions, Keepalive, MessageWindow, Service, Staleness
from holdfast.settings import MIB, Deflate
from holdfast_cli.run.feed_plan import option_kinds
from holdfast_cli.run.file import RunConfig, load, read
from holdfast_cli.run.problems import Problems

FEED = """
[feeds.trades]
service = "binance"
streams = ["btcusdt@trade"]
"""

TWO = """
[feeds.a]
service = "binance"
streams = ["btcusdt@trade", "ethusdt@trade"]
"""


def config(text: str, **environ: str) -> RunConfig:
    return read(tomllib.loads(text), environ)


def problems(text: str, **environ: str) -> list[str]:
    with pytest.raises(Problems) as raised:
        config(text, **environ)
    return list(raised.value.lines)


# What it comes to


def test_a_feed_of_a_service() -> None:
    plan = config(FEED).feeds["trades"]
    assert isinstance(plan.source, Service)
    assert plan.streams == ("btcusdt@trade",)
    assert plan.config.name == "trades"
    assert plan.config.message_window == MessageWindow(count=5), "the service's own"


def test_a_feed_of_a_url_and_one_of_several() -> None:
    told = config(
        "[feeds.a]\nurl = 'ws://one/'\non_open = ['hello']\n[feeds.b]\nurl = ['ws://one/', 'wss://two/']"
    ).feeds
    assert [target.url for target in told["a"].config.targets] == ["ws://one/"]  # type: ignore[union-attr]
    assert told["a"].config.on_open == ("hello",)
    assert [target.url for target in told["b"].config.targets] == ["ws://one/", "wss://two/"]  # type: ignore[union-attr]


def test_a_url_beside_a_service_is_dialled_in_place_of_its_own() -> None:
    (target,) = config(f"{FEED}url = 'ws://127.0.0.1:9/stream'").feeds["trades"].config.targets
    assert target.url == "ws://127.0.0.1:9/stream"  # type: ignore[union-attr]


def test_streams_are_made_of_every_combination() -> None:
    text = """
    [feeds.klines]
    service = "binance"
    streams = ["{symbol}@kline_{interval}", "{symbol}@trade", "!miniTicker@arr", "a@trade"]
    each = { symbol = ["a", "b"], interval = ["1m", "1h"] }
    """
    assert config(text).feeds["klines"].streams == (
        *("a@kline_1m", "a@kline_1h", "b@kline_1m", "b@kline_1h", "a@trade", "b@trade"),
        "!miniTicker@arr",
    )


def test_every_argument_of_open_feed_is_a_key() -> None:
    assert option_kinds().keys() | {"name"} == FeedOptions.__optional_keys__


def test_every_group_of_settings_is_a_table_with_its_fields() -> None:
    text = (
        FEED
        + """
    stall_after = 3
    backoff = { initial = 1, maximum = 9.5 }
    keepalive.interval = false
    compression = true
    rotation = false
    limits.max_message_size = "10 MiB"
    overflow = { policy = "conflate", key = "stream" }
    patience."*@trade" = { silence = 10 }
    headers = { X-One = "1" }
    proxy = false
    """
    )
    made = config(text).feeds["trades"].config
    assert made.stall_after == 3
    assert made.backoff == Backoff(initial=1, maximum=9.5)
    assert made.keepalive == Keepalive(interval=None)
    assert made.compression == Deflate()
    assert made.rotation is None
    assert made.limits.max_message_size == 10 * MIB
    assert made.overflow.key is not None
    assert made.patience["*@trade"].silence == 10
    (target,) = made.targets
    assert (target.headers, target.proxy) == ((("X-One", "1"),), None)  # type: ignore[union-attr]


def test_a_function_is_named_by_its_module() -> None:
    made = config(f"{FEED}on_connect = 'json:loads'\nresync = {{ function = 'json:dumps' }}").feeds["trades"].config
    assert made.on_connect is not None
    assert made.resync is not None
    assert (made.on_connect.__name__, made.resync.function.__name__) == ("loads", "dumps")


def test_certificates_are_files(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    made = config(f"[feeds.a]\nurl = 'wss://one/'\ntls.cafile = '{authority}'").feeds["a"].config
    (target,) = made.targets
    assert isinstance(target.tls, ssl.SSLContext)  # type: ignore[union-attr]


def test_what_the_feed_says_counts_before_the_defaults_and_these_before_the_profile() -> None:
    text = """
    profile = "cloud-conservative"
    [defaults]
    keepalive.interval = 18
    [feeds.a]
    url = "ws://one/"
    [feeds.b]
    url = "ws://two/"
    keepalive.interval = 30
    """
    feeds = config(text).feeds
    assert feeds["a"].config.keepalive == Keepalive(interval=18, timeout=15)
    assert feeds["b"].config.keepalive == Keepalive(interval=30, timeout=15)


def test_profiles_are_what_they_promise() -> None:
    careful = config(f"profile = 'cloud-conservative'\n{FEED}").feeds["trades"].config
    assert 15 <= (careful.keepalive.interval or 0) <= 20
    assert careful.sharding.max_symbols_per_connection == 50
    assert careful.sharding.max_connections == 20
    assert careful.memory_limit == 512 * MIB
    assert careful.restart_after == 50
    quick = config(f"profile = 'low-latency'\n{FEED}").feeds["trades"].config
    assert quick.staleness == Staleness(after=15, reconnect=True)
    assert quick.overflow.policy == "drop_oldest"


def test_variables_of_the_environment() -> None:
    text = """
    [feeds.a]
    url = "wss://${HOST}/?token=${TOKEN}"
    on_open = ["${NOTHING:-none}", "$${HOST}"]
    """
    made = config(text, HOST="one", TOKEN="geheim").feeds["a"].config
    assert made.targets[0].url == "wss://one/?token=geheim"  # type: ignore[union-attr]
    assert made.on_open == ("none", "${HOST}")


def test_without_a_sink_lines_go_to_stdout() -> None:
    assert [plan.table["type"] for plan in config(FEED).sinks.values()] == ["stdout"]


# What is wrong


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("profil = 'x'", "profil: unknown key: did you mean profile? allowed are close_timeout, "),
        ("profile = 'cloud'\n" + FEED, 'profile = "cloud": must be one of cloud-conservative, default, low-latency'),
        ("close_timeout = '5'\n" + FEED, 'close_timeout = "5": must be a number'),
        ("close_timeout = 0\n" + FEED, "close_timeout = 0: must be a finite number of seconds"),
        ("feeds = 3", "feeds = 3: must be a table"),
        ("", "feeds: there is none: add a table such as [feeds.trades]"),
        ("[feeds.a]", "feeds.a: where to? Give service = one of binance, "),
        ("[feeds.a]\nservice = 'binanse'", 'feeds.a.service = "binanse": must be one of binance, '),
        ("[feeds.a]\nservice = 'binanse'", "(did you mean binance?)"),
        ("[feeds.a]\nservice = 'kraken'", 'must be a list of streams, such as ["trade:BTC/USD"]'),
        ("[feeds.a]\nurl = 'ws://one/'\nstreams = ['x']", "feeds.a.streams: only with a service"),
        ("[feeds.a]\nurl = 'http://one/'", "feeds.a: URL 'http://one/' must begin with ws:// or wss://"),
        ("[feeds.a]\nurl = []", "feeds.a.url = a list: must be a URL, or a list of at least one"),
        (FEED + "legs = 0", "feeds.trades.legs = 0: must be a whole number from 1 to 8"),
        (FEED + "legs = 'two'", 'feeds.trades.legs = "two": must be a whole number'),
        (FEED + "legs = true", "feeds.trades.legs = true: must be a whole number"),
        (FEED + "backof = {}", "feeds.trades.backof: unknown key: did you mean backoff? allowed are backoff, "),
        (FEED + "backoff.max = 3", "feeds.trades.backoff.max: unknown key: did you mean maximum? allowed are factor, "),
        (FEED + "backoff.initial = -1", "feeds.trades.backoff.initial = -1: must be a finite number of seconds"),
        (FEED + "backoff = 3", "feeds.trades.backoff = 3: must be a table with any of initial, "),
        (FEED + "overflow.policy = 'drop'", 'feeds.trades.overflow.policy = "drop": must be one of conflate, '),
        (FEED + "message_window.period = 3", "feeds.trades.message_window.count is missing: must be a whole number"),
        (FEED + "rotation.window = ['02:00']", "feeds.trades.rotation.window = a list: must be a list of 2 times text"),
        (FEED + "patience.'*'.silence = 'x'", 'feeds.trades.patience."*".silence = "x": must be a number, or false'),
        (FEED + "headers.X-Key = 3", "feeds.trades.headers.X-Key = (int, not shown): must be text in quotes"),
        (FEED + "on_connect = 'json'", 'feeds.trades.on_connect = "json": must be the name of a function'),
        (FEED + "on_connect = 'jsn:x'", "importing it: ModuleNotFoundError"),
        (FEED + "legs = 4\nsharding.max_connections = 2", "feeds.trades.sharding.max_connections = 2: must be"),
        (FEED + "tls.cafile = '/nowhere'", "feeds.trades.tls.cafile = '/nowhere': must be a file of certificates"),
        (FEED + "tls.cafile = ''", "feeds.trades.tls.cafile = '': must be a file of certificates"),
        (FEED + "tls.cafile = '/no\\u0000where'".replace("'", '"'), "feeds.trades.tls.cafile = "),
        (FEED + "tls.certfile = '/nowhere'", "feeds.trades.tls.certfile = '/nowhere': must be a file of a certificate"),
        (FEED + "overflow.key = 'strem'", 'feeds.trades.overflow.key = "strem": must be "stream", or the name of'),
        (
            "[feeds.a]\nurl = 'ws://one/'\noverflow = { policy = 'conflate', key = 'stream' }",
            'feeds.a.overflow.key = "stream": only with a service',
        ),
        (FEED + "compression.level = 10", "feeds.trades.compression.level = 10: must be"),
        (FEED + "patience.'*'.silence = -1", 'feeds.trades.patience."*".silence = -1: must be'),
        (FEED + "on_open = '{\"key\": \"geheim\"}'", "feeds.trades.on_open = (str, not shown): must be"),
        (FEED + f"legs = {10**30}", "feeds.trades.legs: a whole number of more than 64 bits"),
        (FEED + f"legs = 0x{'f' * 5000}", "feeds.trades.legs: a whole number of more than 64 bits"),
        (FEED + f"legs = '{'9' * 5000} MiB'", "feeds.trades.legs = "),
        ("[feeds.a]\nservice = 'binance'\nstreams = []", "feeds.a.streams = a list: must be a list of streams"),
        (
            "[feeds.a]\nservice = 'binance'\nstreams = ['{s}@trade']\neach.s = []",
            "feeds.a.each.s = a list: must be a list of at least one",
        ),
        ("[feeds.a]\nservice = 'binance'\nstreams = ['BTCUSDT@trade']", "feeds.a.streams: "),
        ("[feeds.a]\nservice = 'binance'\nstreams = ['{s}@trade']", "in feeds.a.each, which has no s"),
        ("[feeds.a]\nservice = 'binance'\nstreams = ['{s-x}@trade']", "made of places such as {symbol}, with letters"),
        (FEED + "each.symbol = ['a']", "feeds.trades.each.symbol: no stream has a place {symbol}"),
        (
            TWO + "sharding = { max_streams_per_connection = 1, max_connections = 1 }",
            "feeds.a: ",
        ),
        ("[feeds.a]\nurl = '${NOPE}'", "feeds.a.url: the environment variable NOPE is not set: set it, or write ${"),
        ("[defaults]\nlegs = 0.5\n" + FEED, "defaults.legs = 0.5: must be a whole number"),
        ("[defaults]\nservice = 'okx'\n" + FEED, "defaults.service: unknown key"),
        ("[log]\nlevel = 'loud'\n" + FEED, 'log.level = "loud": must be one of debug, error, info, warning'),
        ("[log]\nevery_messages = 0\n" + FEED, "log.every_messages = 0: must be a whole number of at least 1"),
        ("[status]\naddress = '9464'\n" + FEED, "status.address = '9464': must be a host and a port, such as"),
        ("[status]\naddress = 'http://127.0.0.1:9464'\n" + FEED, "must be a host and a port, such as"),
        (
            FEED + "\n[sinks.a]\ntype = 'unix'\npath = 'x.sock'\n[sinks.b]\ntype = 'unix'\npath = './x.sock'",
            "another one than that of sinks.a",
        ),
        ("[sinks.a]\n" + FEED, 'sinks.a.type is missing: must be one of stdout'),
        ("[sinks.a]\ntype = 'stdot'\n" + FEED, "(did you mean stdout?)"),
        ("[sinks.a]\ntype = 'stdout'\nfeeds = ['trade']\n" + FEED, 'sinks.a.feeds[0] = "trade": must be one of trades'),
        ("[sinks.a]\ntype = 'stdout'\nmax_queue = 1\n" + FEED, "sinks.a.max_queue = 1: must be a whole number"),
        ("[sinks.a]\ntype = 'json:JSONEncoder'\n" + FEED, "it has no open, write, close"),
    ],
)  # fmt: skip
def test_each_error_names_the_key_what_was_found_and_what_is_allowed(text: str, line: str) -> None:
    assert line in "\n".join(problems(text))


def test_a_file_of_dials_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    (told,) = problems(FEED + f"dial_window_file = '{tmp_path}/nowhere/dials.json'")
    assert told.startswith("feeds.trades.dial_window_file = ")
    assert "there is no folder" in told
    config(FEED + f"dial_window_file = '{tmp_path}/dials.json'")


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = problems("[feeds.a]\nurl = 'ws://one/'\nlegs = 'x'\nbackof = 1\n[feeds.b]\nurl = 'ftp://x'\n[log]\nlevl = 1")
    assert [line.split(" ")[0].rstrip(":") for line in told] == ["log.levl"]
    told = problems("[feeds.a]\nurl = 'ws://one/'\nlegs = 'x'\nbackof = 1\n[feeds.b]\nurl = 'ftp://x'")
    assert [line.split(" ")[0].rstrip(":") for line in told] == ["feeds.a.legs", "feeds.a.backof", "feeds.b"]


def test_no_secret_is_told() -> None:
    for text in (
        "[feeds.a]\nurl = 'wss://me:geheim@one:x/'",
        "[feeds.a]\nurl = 'http://one/?token=geheim'",
        "[feeds.a]\nurl = 'ws://one/'\nheaders.Authorization = ['geheim']",
        "[feeds.a]\nurl = 'ws://one/'\nheaders = [['X', \"geheim\\n\"]]",
        "[feeds.a]\nurl = 'ws://one/'\nproxy = 'ftp://me:geheim@proxy'",
    ):
        assert "geheim" not in "\n".join(problems(text))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    for content, words in (
        (None, "cannot be read: No such file"),
        (b"\xff", "is not UTF-8"),
        (b"a = \n", "is not TOML"),
        (b"a = 1" + b"0" * 5000, "is not TOML: a whole number of more than 64 bits"),
        (b"a = " + b"[" * 3000 + b"]" * 3000, "tables or lists in it lie too deep in each other"),
        (b"feeds.a.each" + b".a" * 3000 + b" = 1", "tables or lists in it lie too deep in each other"),
    ):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(Problems) as raised:
            load(file, {})
        (line,) = raised.value.lines
        assert line.startswith(f"{file}: {words}")


def test_a_file_may_begin_with_a_mark(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    file.write_text(FEED, encoding="utf-8-sig")
    assert load(file, {}).feeds.keys() == {"trades"}
