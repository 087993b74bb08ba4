"""`holdfast config`: check, show, schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from holdfast_cli.commands import holdfast
from holdfast_cli.run.file import RunConfig, read
from holdfast_cli.run.toml import toml

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
FULL = """
profile = "low-latency"
close_timeout = 7

[log]
level = "warning"
every_messages = 500
overview_every = false

[status]
address = "[::1]:9000"

[defaults]
backoff = { initial = 1, maximum = 20 }

[feeds.trades]
service = "okx"
streams = ["trades:{coin}-USDT"]
each.coin = ["BTC", "ETH"]
legs = 2
rotation = false
compression = { level = 9 }
overflow = { policy = "conflate", key = "stream" }
limits.max_message_size = "10 MiB"
patience."trades:*" = { first = 5, silence = 30, lag = 2 }
resync = { function = "json:dumps", streams = ["*"] }

[feeds."with a space"]
url = ["wss://me:geheim@one/", "wss://two/?token=geheim&symbol=a"]
headers = { Authorization = "geheim", X-One = "${ONE}", Cookie = "geheim" }
on_open = ['{"op": "login", "key": "geheim"}', "hello"]
on_connect = "json:loads"
proxy = "http://me:geheim@proxy:3128"

[sinks.out]
type = "stdout"
feeds = ["trades"]
messages = false
"""


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(holdfast, ["config", *arguments], env=environ)


def config(text: str) -> RunConfig:
    return read(tomllib.loads(text), {"ONE": "geheim"})


@pytest.fixture
def full(tmp_path: Path) -> str:
    file = tmp_path / "full.toml"
    file.write_text(FULL, encoding="utf-8")
    return str(file)


def test_check_says_that_it_is_right(full: str) -> None:
    done = run("check", full, ONE="1")
    assert (done.exit_code, done.output) == (0, f"{full}: right: 2 feeds with 2 streams, 1 sinks\n")


def test_check_says_what_is_wrong_a_line_each(full: str) -> None:
    Path(full).write_text("[feeds.a]\nurl = 'ws://one/'\nlegs = 'x'\nbackof = 1\n")
    done = run("check", full)
    assert done.exit_code == 2
    first, second = done.stderr.splitlines()
    assert first == f'holdfast: {full}: feeds.a.legs = "x": must be a whole number, or a size such as "10 MiB"'
    assert second.startswith(f"holdfast: {full}: feeds.a.backof: unknown key: did you mean backoff?")


def test_show_shows_no_secret_and_variables_as_they_stand(full: str) -> None:
    done = run("show", full, ONE="geheim")
    assert done.exit_code == 0
    assert "geheim" not in done.output
    told = tomllib.loads(done.output)["feeds"]["with a space"]
    assert told["headers"] == {"Authorization": "***", "X-One": "${ONE}", "Cookie": "***"}
    assert told["on_open"] == ["***", "hello"]
    assert told["on_connect"] == "json:loads"


def test_show_shows_no_secret_of_a_sink_of_ones_own(full: str) -> None:
    text = "[feeds.a]\nurl = 'ws://one/'\n[sinks.mine]\ntype = 'helpers.sinks_of_ones_own:Keyed'\nkey = 'geheim'\n"
    Path(full).write_text(text)
    done = run("show", full)
    assert done.exit_code == 0
    assert tomllib.loads(done.output)["sinks"]["mine"]["key"] == "***"


def test_show_shows_profile_defaults_and_every_stream(full: str) -> None:
    told = tomllib.loads(run("show", full, ONE="1").output)
    log = {"level": "warning", "every_messages": 500, "every_seconds": 60, "overview_every": False, "warn_at": 10}
    assert told["log"] == log
    feed = told["feeds"]["trades"]
    assert feed["streams"] == ["trades:BTC-USDT", "trades:ETH-USDT"]
    assert feed["backoff"] == {"initial": 1, "factor": 2.0, "maximum": 20, "jitter": 0.5}
    assert feed["staleness"] == {"after": 15, "reconnect": True}
    assert feed["limits"]["max_message_size"] == 10 * 1024 * 1024
    assert feed["timeouts"]["connect"] == 5
    assert told["sinks"]["out"] == {
        "type": "stdout",
        "feeds": ["trades"],
        "messages": False,
        "events": True,
        "max_queue": 64 * 1024 * 1024,
    }


@pytest.mark.parametrize("text", [FULL, *(path.read_text("utf-8") for path in EXAMPLES)])
def test_what_is_shown_comes_to_the_same(text: str, tmp_path: Path) -> None:
    text = text.replace("geheim", "x").replace("Cookie", "X-C").replace("Authorization", "X-A").replace("token", "t")
    text = text.replace("me:x@", "").replace('"key"', '"k"')
    file = tmp_path / "holdfast.toml"
    file.write_text(text, encoding="utf-8")
    again = run("show", str(file), ONE="x").output
    one, two = config(text.replace("${ONE}", "x")), config(again.replace("${ONE}", "x"))
    for name, plan in one.feeds.items():
        other = two.feeds[name]
        assert (plan.source, other.config) == (other.source, plan.config)
    assert (one.log, one.status, one.close_timeout, one.ends_with) == (
        two.log,
        two.status,
        two.close_timeout,
        two.ends_with,
    )
    assert [plan.options for plan in one.sinks.values()] == [plan.options for plan in two.sinks.values()]
    assert again == run("show", str(_written(tmp_path, again)), ONE="x").output


def _written(folder: Path, text: str) -> Path:
    (folder / "again.toml").write_text(text, encoding="utf-8")
    return folder / "again.toml"


# The schema


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    told = json.loads(run("schema").output)
    jsonschema.Draft202012Validator.check_schema(told)
    return jsonschema.Draft202012Validator(told)


@pytest.mark.parametrize("text", [FULL, *(path.read_text("utf-8") for path in EXAMPLES)])
def test_the_schema_takes_what_run_takes(text: str, validator: jsonschema.Draft202012Validator, tmp_path: Path) -> None:
    validator.validate(tomllib.loads(text))
    validator.validate(tomllib.loads(run("show", str(_written(tmp_path, text)), ONE="x").output))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[feeds.a]\nurl = 3",
        "[feeds.a]\nurl = 'ws://one/'\nbackof = {}",
        "[feeds.a]\nurl = 'ws://one/'\nbackoff = { initial = '1' }",
        "[feeds.a]\nservice = 'nope'",
        "[feeds.a]\nurl = 'ws://one/'\noverflow.policy = 'x'",
        "[feeds.a]\nurl = 'ws://one/'\nrotation.window = ['02:00']",
        "[feeds.a]\nurl = 'ws://one/'\n[sinks.a]\ntype = 'stdot'",
        "[feeds.a]\nurl = 'ws://one/'\n[sinks.a]\ntype = 'stdout'\nmax_queu = 1",
        "profil = 1\n[feeds.a]\nurl = 'ws://one/'",
    ],
)
def test_the_schema_does_not_take_what_run_does_not(text: str, validator: jsonschema.Draft202012Validator) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(tomllib.loads(text))


# TOML, written


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_one_line(full: str) -> None:
    begin, environ = [sys.executable, "-m", "holdfast_cli", "config"], {**os.environ, "ONE": "1"}
    for arguments in (["check", full], ["show", full], ["schema"]):
        with Path("/dev/full").open("wb") as stdout:
            done = subprocess.run(begin + arguments, stdout=stdout, stderr=subprocess.PIPE, env=environ, check=False)
        assert (done.returncode, done.stderr) == (1, b"holdfast: cannot write: No space left on device\n")


def test_toml_is_read_as_it_was_written() -> None:
    table = {
        "text": 'quotes " and \\ and \n and \x7f and \x01 and é',
        "a key": 1,
        "list": ["a" * 40, "b" * 40, "c" * 40],
        "none": {},
        "table": {"inner": {"x": 1.5, "pairs": [["a", "b"]], "tables": [{"k": True}]}, "y": False},
    }
    assert tomllib.loads(toml(table)) == table


SECRETS = """\
[feeds.t]
url = "wss://user:GEHEIM@example.com/${ONE}?token=GEHEIM&a=b&listenKey=${ONE}"
headers = { Authorization = "Bearer GEHEIM${ONE:-}", X-Auth = "Bearer ${ONE}", X-Key = "${ONE:-GEHEIM}" }
on_open = ['{"op":"in","key":"GEHEIM","u":"${ONE}"}', '{"key":"${ONE}"}', "secret GEHEIM ${ONE}", "$${ONE}", "a ${ONE}"]
proxy = "http://u:GEHEIM@proxy:${PORT:-80}"

[feeds.u]
url = "wss://${ONE}:${PW:-GEHEIM}@example.com/"
headers = { OK-ACCESS-PASSPHRASE = "GEHEIM" }

[sinks.f]
type = "files"
folder = "/tmp/${ONE}/$${ONE}"
"""


def test_what_stands_beside_a_variable_is_no_less_secret(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(SECRETS)
    done = run("show", str(file), ONE="geheim")
    assert done.exit_code == 0
    assert "geheim" not in done.output.lower()
    told = tomllib.loads(done.output)
    feeds = told["feeds"]
    assert feeds["t"]["url"] == "wss://***:***@example.com/${ONE}?token=***&a=b&listenKey=${ONE}"
    assert feeds["t"]["headers"] == {"Authorization": "***${ONE:-}", "X-Auth": "Bearer ${ONE}", "X-Key": "${ONE:-***}"}
    assert feeds["t"]["on_open"] == [
        '{"op":"***","key":"***","u":"${ONE}"}',
        '{"key":"${ONE}"}',
        "***",
        "$${ONE}",
        "a ${ONE}",
    ]
    assert feeds["t"]["proxy"] == "http://***:***@proxy:${PORT:-80}"
    assert feeds["u"]["url"] == "wss://${ONE}:${PW:-***}@example.com/"
    assert told["sinks"]["f"]["folder"] == "/tmp/${ONE}/$${ONE}"
    again = run("show", str(_written(tmp_path, done.output)), ONE="x").output
    assert again == done.output
