"""What docs/exchanges.md says of Kraken and of OKX is what their dialects do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from dialects.samples import kraken as kraken_samples
from dialects.samples import okx as okx_samples
from holdfast import Patience, Update
from holdfast.dialects import kraken, okx
from holdfast.dialects.channels import Channel
from holdfast.dialects.dialect import Dialect
from holdfast.dialects.kraken import streams as kraken_streams
from holdfast.dialects.okx import streams as okx_streams

TEXT = (Path(__file__).parents[2] / "docs" / "exchanges.md").read_text(encoding="utf-8")
SAMPLES = {**dict(kraken_samples.UPDATES), **okx_samples.PUBLIC, **okx_samples.BUSINESS}


def rows(section: str, width: int) -> list[list[str]]:
    """The cells of the tables of that width in one service's section, but for their heads."""
    text = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0].replace("\\|", "/")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    return [row for row in cells if len(row) == width and row[0] not in ("stream", "demanded")]


def channels_in(form: str) -> set[str]:
    """The names of channels that the first column means."""
    pattern = form.strip("`").partition(":")[0]
    if "<" not in pattern:
        return {pattern}
    before, _, rest = pattern.partition("<")
    choices = okx.BARS if rest == "bar>" else rest.removesuffix(">").split("/")
    return {before + choice for choice in choices}


def told(patience: Patience) -> str:
    first = f"first in {patience.first:g} s" if patience.first is not None else ""
    return first + (f", then {patience.silence:g} s" if patience.silence is not None else "")


def check(found: Iterable[list[str]], channels: dict[str, Channel]) -> None:
    names: list[str] = []
    for form, loss, watched, typed in found:
        for name in channels_in(form):
            channel = channels[name]
            names.append(name)
            assert bool(loss) is (channel.chain is not None and channel.proves), name
            assert watched == told(channel.patience), name
            for stream, text in SAMPLES.items():
                if stream.partition(":")[0] == name:
                    assert models(stream, text) == set(re.findall(r"`([A-Z]\w+)`", typed)), name
    assert sorted(names) == sorted(channels)


def models(stream: str, text: str) -> set[str]:
    dialect: Dialect = okx.public().dialect if text.startswith('{"arg"') else kraken.v2().dialect
    update = dialect.read(text)
    assert isinstance(update, Update)
    assert update.stream == stream
    return {type(model).__name__ for model in update.typed()}


def test_streams_of_kraken() -> None:
    check(rows("Kraken", 4), kraken_streams.CHANNELS)


def test_streams_of_okx() -> None:
    channels = [channel for route in okx_streams.CHANNELS.values() for channel in route.items()]
    check(rows("OKX", 4), {name: channel for name, (_, channel) in channels})


@pytest.mark.parametrize(
    ("section", "dialect", "messages"),
    [
        ("Kraken", kraken.v2().dialect, "messages to the service"),
        ("OKX", okx.public().dialect, "requests on a connection"),
    ],
)
def test_limits(section: str, dialect: Dialect, messages: str) -> None:
    kept = {row[0]: row[1] for row in rows(section, 3)}
    window, dials = dialect.limits.message_window, dialect.limits.dial_window
    assert window is not None
    assert dials is not None
    assert kept[messages] == f"{window.count} in {window.period:g} s"
    assert kept["dials of an address"] == f"{dials.count} in {dials.period:g} s"
    assert kept["streams of a request"] == str(dialect.limits.max_streams_per_request)
    assert f"every {dialect.limits.ping_every:g} s" in kept["something to say"]
