"""Whatever Kraken or OKX, or somebody in their place, may send: it is read, and what it tells can be asked for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.samples import kraken as kraken_samples
from dialects.samples import okx as okx_samples
from holdfast.dialects import kraken, okx
from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import Update

TEXTS = [*dict(kraken_samples.UPDATES).values(), *okx_samples.PUBLIC.values(), *okx_samples.BUSINESS.values()]
TEXTS += [kraken_samples.ACK, kraken_samples.UNKNOWN_PAIR, kraken_samples.STATUS, okx_samples.ACK, okx_samples.UNKNOWN]
FIELDS = sorted({word for text in TEXTS for word in text.split('"') if word.isidentifier()})

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(FIELDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)
HEADS = [text[: text.index('"data":') + 7] for text in TEXTS if '"data":' in text]
TAILS = [""] + ["[" * size for size in (1, 100_000)]
CUT = st.builds(
    lambda text, size, tail: text[:size] + tail, st.sampled_from(TEXTS), st.integers(0, 400), st.sampled_from(TAILS)
)
BROKEN = st.one_of(
    st.text(),
    st.binary(),
    JUNK.map(json.dumps),
    st.builds(lambda head, data: f"{head}{json.dumps(data)}}}", st.sampled_from(HEADS), JUNK),
    CUT,
)


@pytest.mark.parametrize("dialect", [kraken.v2().dialect, okx.public().dialect], ids=["kraken", "okx"])
@given(one=BROKEN, other=BROKEN)
def test_no_message_raises(dialect: Dialect, one: str | bytes, other: str | bytes) -> None:
    whole = [reading for text in TEXTS if isinstance(reading := dialect.read(text), Update)]
    for message in (one, other):
        reading = dialect.read(message)
        if not isinstance(reading, Update):
            continue
        assert reading.text is message
        hash(reading.key)
        assert reading.event_time is None or isinstance(reading.event_time, float)
        assert reading.data is not None
        for update in whole:
            reading.joins(update)
            update.joins(reading)
        try:
            reading.json()
            reading.typed()
        except ValueError:
            pass
