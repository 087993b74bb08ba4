"""What docs/exchanges.md says of Coinbase and of Bybit is what their dialects do."""

from __future__ import annotations

import re

import pytest

from dialects.samples import bybit as bybit_samples
from dialects.samples import coinbase as coinbase_samples
from dialects.test_channels_document import rows, told
from holdfast import Update
from holdfast.dialects import bybit, coinbase
from holdfast.dialects.bybit.topics import TOPICS, Category, channel_for
from holdfast.dialects.coinbase.updates import NAMES
from holdfast.dialects.dialect import Dialect

BYBIT_SAMPLES: dict[Category, tuple[tuple[str, str], ...]] = {
    "spot": bybit_samples.SPOT,
    "linear": (*bybit_samples.LINEAR, ("orderbook.1.BTCUSDT", bybit_samples.BEST)),
    "inverse": (("tickers.ETHUSDT", bybit_samples.TICKER_DELTA),),
    "option": bybit_samples.OPTION,
}


def models(dialect: Dialect, text: str) -> set[str]:
    update = dialect.read(text)
    assert isinstance(update, Update)
    return {type(model).__name__ for model in update.typed()}


def types_in(cell: str) -> set[str]:
    return set(re.findall(r"`([A-Z]\w+)`", cell))


def test_streams_of_coinbase() -> None:
    samples = dict(coinbase_samples.UPDATES)
    names: list[str] = []
    for form, loss, watched, typed in rows("Coinbase", 4):
        names.append(name := form.strip("`").partition(":")[0])
        channel = NAMES[name].channel
        assert bool(loss) is (channel.chain is not None and channel.proves)
        assert watched == told(channel.patience)
        (text,) = [text for stream, text in samples.items() if stream.partition(":")[0] == name]
        assert models(coinbase.advanced().dialect, text) == types_in(typed)
    assert names == list(NAMES)


def forms_of(cell: str) -> list[str]:
    """All names that the first column means, each with its end left off."""
    parts = cell.split("`")[1].split(".")
    parameters = parts[1].strip("<>").split("/") if len(parts) == 3 else [""]
    return [f"{parts[0]}.{parameter}." if parameter else f"{parts[0]}." for parameter in parameters]


def test_streams_of_bybit() -> None:
    found: set[tuple[str, str]] = set()
    for form, categories, loss, watched, typed in rows("Bybit", 5):
        seen: set[str] = set()
        for category in TOPICS:
            if category not in categories.split(", "):
                continue
            for name in forms_of(form):
                found.add((category, name))
                channel = channel_for(category, name)
                assert bool(loss) is (channel.chain is not None and channel.proves), (category, name)
                assert watched == told(channel.patience), (category, name)
                for stream, text in BYBIT_SAMPLES[category]:
                    if stream.startswith(name):
                        seen |= models(bybit.public(category).dialect, text)
        assert seen == types_in(typed), form
    every = {
        (category, f"{kind}.{parameter}." if parameter else f"{kind}.")
        for category, topics in TOPICS.items()
        for kind, topic in topics.items()
        for parameter in topic.parameters or [""]
    }
    assert found == every


@pytest.mark.parametrize(
    ("section", "dialect"), [("Coinbase", coinbase.advanced().dialect), ("Bybit", bybit.public("linear").dialect)]
)
def test_limits(section: str, dialect: Dialect) -> None:
    kept = {row[0]: row[1] for row in rows(section, 3)}
    window, dials = dialect.limits.message_window, dialect.limits.dial_window
    assert window is not None
    assert dials is not None
    assert kept["messages to the service"] == f"{window.count} in {window.period:g} s"
    assert kept["dials of an address"] == f"{dials.count} in {dials.period:g} s"
    assert kept["streams of a request"].endswith(str(dialect.limits.max_streams_per_request))
    assert dialect.limits.ping_every is None or f"every {dialect.limits.ping_every:g} s" in kept["something to say"]


def test_limits_of_bybits_categories() -> None:
    kept = {row[0]: row[1] for row in rows("Bybit", 3)}
    spot, option = bybit.public("spot").dialect.limits, bybit.public("option").dialect.limits
    assert kept["streams of a request"].startswith(f"{spot.max_streams_per_request} for spot")
    assert kept["streams on a connection"] == (
        f"{spot.max_names_size} characters as a list; of options {option.max_streams}"
    )
