"""`holdfast run` in a process of its own, before a simulated exchange."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from helpers.running import Run, in_sequence, numbers, rows
from holdfast.testing import Exchange, GoSilent, Reset, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.exchange_host import ExchangeHost

NAMES = tuple(f"{symbol}usdt@trade" for symbol in ("btc", "eth", "xrp", "sol"))
QUICK = "backoff = { initial = 0.01, maximum = 0.1 }\n"


def exchange() -> Exchange:
    return Exchange([Stream(name, 100) for name in NAMES], service=BinanceSpot())


def feed(host: ExchangeHost, *streams: str, name: str = "trades", more: str = "") -> str:
    listed = ", ".join(f'"{stream}"' for stream in streams)
    return f'[feeds.{name}]\nservice = "binance"\nurl = "{host.url}/stream"\nstreams = [{listed}]\n{QUICK}{more}\n'


def lines_of(run: Run) -> int:
    return run.out.read_bytes().count(b"\n")


def page(url: str) -> str:
    with urlopen(url, timeout=10) as answer:
        return answer.read().decode()  # type: ignore[no-any-return]


def wait_for_lines(run: Run, count: int) -> None:
    """More than there are now."""
    count += lines_of(run)
    while lines_of(run) < count:
        assert run.process.poll() is None, "".join(run.log)


def test_sigterm_leaves_whole_lines_in_sequence_and_exits_with_0(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        run = start(feed(host, *NAMES))
        run.told("subscribed")
        wait_for_lines(run, 200)
        assert run.end(signal.SIGTERM) == 0
    told = rows(run.out.read_bytes())
    series = numbers(told)
    assert series.keys() == set(NAMES)
    assert all(in_sequence(one) for one in series.values())
    assert [row["event"] for row in told if "event" in row][-1] == "Closed"
    assert told[-1]["event"] == "Closed", "nothing comes behind it"


def test_a_gap_stands_before_the_first_message_after_it(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        run = start(feed(host, *NAMES))
        run.told("subscribed")
        wait_for_lines(run, 50)
        host.ask(lambda exchange, now: exchange.strike(Reset(), now))
        run.told("gap of")
        wait_for_lines(run, 50)
        assert run.end(signal.SIGINT) == 0
    told = rows(run.out.read_bytes())
    (at,) = [index for index, row in enumerate(told) if row.get("event") == "Gap"]
    assert all(in_sequence(one) for one in numbers(told[:at]).values())
    assert all(in_sequence(one) for one in numbers(told[at:]).values())
    assert any(row["at"] > told[at]["until"] - 1 for row in told[at + 1 :] if "data" in row)


def test_streams_are_added_and_removed_without_a_gap_in_the_others(start: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    with ExchangeHost(exchange()) as host:
        run = start(feed(host, NAMES[0], NAMES[1]))
        run.told("subscribed")
        wait_for_lines(run, 50)
        file.write_text(feed(host, NAMES[1], NAMES[2]))
        run.give(signal.SIGHUP)
        run.told("1 streams added, 1 removed")
        run.told(f"subscribed to {NAMES[2]}")
        wait_for_lines(run, 50)
        (held,) = host.ask(lambda exchange, _: list(exchange.subscriptions.values()))
        assert held == {NAMES[1], NAMES[2]}
        assert run.end() == 0
        assert host.ask(lambda exchange, _: len(exchange.ledger.connections)) == 1, "the connection stays"
    series = numbers(rows(run.out.read_bytes()))
    assert series.keys() == set(NAMES[:3])
    assert in_sequence(series[NAMES[1]])


def test_feeds_are_added_and_removed_and_replaced_where_they_must(start: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    with ExchangeHost(exchange()) as host:
        run = start(feed(host, NAMES[0]) + feed(host, NAMES[1], name="eth") + feed(host, NAMES[2], name="xrp"))
        for _ in range(3):
            run.told("subscribed to")
        wait_for_lines(run, 50)
        replaced = feed(host, NAMES[2], NAMES[1], name="xrp", more="keepalive.interval = 7")
        file.write_text(feed(host, NAMES[0]) + replaced + feed(host, NAMES[3], name="sol"))
        run.give(signal.SIGHUP)
        run.told("eth: removed")
        run.told("xrp: replaced, because keepalive cannot change live")
        run.told("sol: opened")
        run.told("subscribed to")
        run.told("subscribed to")
        wait_for_lines(run, 100)
        assert run.end() == 0
    told = rows(run.out.read_bytes())
    series = numbers(told)
    assert series.keys() == set(NAMES)
    assert in_sequence(series[NAMES[0]]), "what stays goes on"
    xrp = [row for row in told if row["feed"] == "xrp"]
    closed = [index for index, row in enumerate(xrp) if row.get("event") == "Closed"]
    assert len(closed) == 2
    assert all("data" in row or "event" in row for row in xrp[closed[0] :])
    assert numbers(xrp[: closed[0]])
    assert numbers(xrp[closed[0] :])
    assert [row.get("event") for row in told if row["feed"] == "eth"][-1] == "Closed"


def test_a_file_that_went_bad_changes_nothing(start: Callable[..., Run], tmp_path: Path) -> None:
    with ExchangeHost(exchange()) as host:
        run = start(feed(host, NAMES[0]))
        run.told("subscribed")
        (tmp_path / "holdfast.toml").write_text("[feeds.trades]\nservice = 'binanse'\n")
        run.give(signal.SIGHUP)
        assert 'feeds.trades.service = "binanse": must be one of' in run.told("ERROR")
        run.told("all goes on as before")
        wait_for_lines(run, 50)
        assert run.end() == 0
    assert in_sequence(numbers(rows(run.out.read_bytes()))[NAMES[0]])


def test_a_feed_that_could_not_be_opened_again_is_not_closed(start: Callable[..., Run], tmp_path: Path) -> None:
    folder = tmp_path / "dials"
    folder.mkdir()
    with ExchangeHost(exchange()) as host:
        more = f"dial_window_file = '{folder}/dials.json'\n"
        run = start("[status]\naddress = '127.0.0.1:0'\n" + feed(host, NAMES[0], more=more))
        run.told("subscribed")
        (tmp_path / "holdfast.toml").write_text(feed(host, NAMES[0], more=more + "legs = 2"))
        shutil.rmtree(folder)
        run.give(signal.SIGHUP)
        assert "there is no folder" in run.told("ERROR")
        run.told("all goes on as before")
        wait_for_lines(run, 20)
        assert run.end() == 0


def test_a_feed_that_gives_up_ends_the_command_only_if_it_is_the_last(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        bad = feed(host, NAMES[1], name="bad").replace("/stream", "/nothing/stream")
        run = start("[status]\naddress = '127.0.0.1:0'\n" + feed(host, NAMES[0]) + bad)
        url = run.told("status at ").split()[-1]
        while 'holdfast_gave_up{feed="bad"} 1.0' not in (metrics := page(f"{url}metrics")):
            assert run.process.poll() is None
        assert 'holdfast_gave_up{feed="trades"} 0.0' in metrics
        assert 'holdfast_sink_lost_lines_total{sink="stdout"} 0.0' in metrics
        wait_for_lines(run, 50)
        assert run.end() == 0
    run = start("[feeds.a]\nurl = 'ws://127.0.0.1:9/'\nretry.max_attempts = 2\n" + QUICK)
    assert run.end(None) == 3
    assert rows(run.out.read_bytes())[-1]["event"] == "Closed"


def test_the_first_that_gives_up_ends_the_command_if_asked_to(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        bad = feed(host, NAMES[1], name="bad").replace("/stream", "/nothing/stream")
        run = start("ends_with = 'first'\n" + feed(host, NAMES[0]) + bad)
        assert run.end(None) == 3


def test_a_feed_that_needs_a_restart_ends_the_command_with_4(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        bad = f"[feeds.bad]\nurl = 'ws://127.0.0.1:9/'\nrestart_after = 3\n{QUICK}"
        run = start(feed(host, NAMES[0]) + bad)
        assert run.end(None) == 4
    assert {row["feed"] for row in rows(run.out.read_bytes()) if row.get("event") == "Closed"} == {"trades", "bad"}


def test_a_wrong_file_is_told_and_exits_with_2(start: Callable[..., Run], tmp_path: Path) -> None:
    run = start("[feeds.a]\nurl = 'ws://one/'\nlegs = 0\n")
    assert run.end(None) == 2
    assert run.log == [
        f"holdfast: {tmp_path / 'holdfast.toml'}: feeds.a.legs = 0: must be a whole number from 1 to 8\n"
    ]


def test_closing_ends_within_its_bound_though_the_server_never_answers(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        run = start("close_timeout = 1\n" + feed(host, NAMES[0], more="timeouts.close = 30"))
        run.told("subscribed")
        host.ask(lambda exchange, now: exchange.strike(GoSilent(60.0), now))
        assert run.end() == 0
    assert "not closed in time" not in "".join(run.log), "for all of it is written"
    assert rows(run.out.read_bytes())[-1]["event"] == "Closed"


def test_a_signal_ends_the_wait_for_a_retry(start: Callable[..., Run]) -> None:
    run = start("[feeds.a]\nurl = 'ws://127.0.0.1:9/'\nbackoff = { initial = 1000, maximum = 1000, jitter = 0 }\n")
    run.told("reconnecting in 1000 s")
    assert run.end() == 0


def test_a_second_signal_waits_for_nothing(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        run = start("close_timeout = 1000\n" + feed(host, NAMES[0], more="timeouts.close = 1000"))
        run.told("subscribed")
        host.ask(lambda exchange, now: exchange.strike(GoSilent(1000.0), now))
        run.give(signal.SIGTERM)
        run.told("ending, within 1000 s")
        assert run.end(signal.SIGTERM) == 143


def test_a_signal_before_anything_was_opened_is_kept(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        text = "[sinks.a]\ntype = 'helpers.sinks_of_ones_own:Signalling'\n" + feed(host, NAMES[0])
        run = start(text, PYTHONPATH=str(Path(__file__).parents[2]))
        assert run.end(None) == 0


def test_a_line_for_so_many_messages_an_overview_and_a_warning(start: Callable[..., Run]) -> None:
    log = "[log]\nevery_messages = 100\noverview_every = 0.2\nwarn_at = 3\n"
    with ExchangeHost(exchange()) as host:
        run = start(log + feed(host, *NAMES))
        run.told("subscribed")
        for _ in range(3):
            host.ask(lambda exchange, now: exchange.strike(Reset(), now))
            run.told("connected to")
            wait_for_lines(run, 10)
        assert "WARNING trades: 3 lost connections a shard on average: reset 3" in run.told("on average")
        run.told("shards healthy, 4 streams")
        assert run.end() == 0
    assert re.search(r"INFO trades: \d+ messages, \d+ in the last .* s \(\d+ messages/s\)", "".join(run.log))


def test_the_status_page_shows_the_feeds_that_there_are(start: Callable[..., Run], tmp_path: Path) -> None:
    def shown(url: str) -> set[str]:
        return set(json.loads(page(f"{url}status"))["feeds"])

    status = "[status]\naddress = '127.0.0.1:0'\n"
    with ExchangeHost(exchange()) as host:
        run = start(status + feed(host, NAMES[0]) + feed(host, NAMES[1], name="eth"))
        url = run.told("status at ").split()[-1]
        assert shown(url) == {"trades", "eth"}
        (tmp_path / "holdfast.toml").write_text(status + feed(host, NAMES[0]) + feed(host, NAMES[2], name="xrp"))
        run.give(signal.SIGHUP)
        run.told("subscribed to xrp")
        while shown(url) != {"trades", "xrp"}:  # the other one is being closed
            assert run.process.poll() is None
        (tmp_path / "holdfast.toml").write_text(feed(host, NAMES[0]))
        run.give(signal.SIGHUP)
        run.told("read ")
        with pytest.raises(OSError):  # noqa: PT011  # refused, or cut off
            while True:
                shown(url)
        assert run.end() == 0


def test_a_port_that_is_taken_stops_no_feed(start: Callable[..., Run]) -> None:
    with ExchangeHost(exchange()) as host:
        taken = host.url.rpartition("/")[2]
        run = start(f"[status]\naddress = '{taken}'\n" + feed(host, NAMES[0]))
        run.told("ERROR status: ")
        wait_for_lines(run, 20)
        assert run.end() == 0
