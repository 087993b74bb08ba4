"""Lines of `holdfast run`: always JSON, one a line."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Cause, Connected, Failure, Gap, Update
from holdfast_cli.run import lines
from holdfast_cli.run.lines import Lines

LINES = Lines('my "feed"')


def told(line: bytes) -> dict[str, object]:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json.loads(line)  # type: ignore[no-any-return]


def test_a_message_of_a_stream_is_its_payload() -> None:
    line = LINES.message(Update("btc@trade", '{"p": "1",\r\n "t": [1, 2]}'), 1763740800.1234567)
    assert told(line) == {
        "feed": 'my "feed"',
        "at": 1763740800.123457,
        "stream": "btc@trade",
        "data": {"p": "1", "t": [1, 2]},
    }


def test_what_is_no_json_is_text_and_what_is_no_text_is_base64() -> None:
    assert told(LINES.message("hello\nyou", 1.0)) == {"feed": 'my "feed"', "at": 1.0, "text": "hello\nyou"}
    assert told(LINES.message(b'{"a": 1}', 1.0))["data"] == {"a": 1}
    assert told(LINES.message(b"\xff\n", 1.0))["base64"] == "/wo="


def test_what_a_dialect_cannot_read_is_shown_whole() -> None:
    assert told(LINES.message(Update(None, "what?"), 1.0)) == {"feed": 'my "feed"', "at": 1.0, "text": "what?"}


def test_events_tell_the_time_of_day() -> None:
    gap = Gap(12.0, 10.0, 12.0, Failure(Cause.RESET, "gone"), stream="a")
    row = told(LINES.event(gap, wall_offset=1000.0))
    assert (row["event"], row["at"], row["since"], row["until"]) == ("Gap", 1012.0, 1010.0, 1012.0)
    assert row["cause"]["cause"] == "reset"  # type: ignore[index]
    assert (row["feed"], row["stream"]) == ('my "feed"', "a")


def test_no_header_of_an_answer_is_told() -> None:
    connected = Connected(1.0, 1, "ws://one/", 0.1, headers=(("Set-Cookie", "geheim"),))
    assert b"geheim" not in LINES.event(connected, 0.0)


messages = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)).map(json.dumps),
    st.sampled_from(
        ["[" * 5000, '{"a":1}x', '{"a":\u2028}', "NaN", '"\\ud800"', '"a\nb"', "01", "[1,]", " 1 ", "\t", ""]
    ),
)


@given(messages, st.none() | st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_server_sends_is_a_line_and_nothing_is_lost(message: str | bytes, stream: str | None) -> None:
    for given_message in (message, Update(stream, message)):
        row = told(LINES.message(given_message, 1.0))
        if "base64" in row:
            assert b64decode(str(row["base64"])) == message
        elif "text" in row:
            assert row["text"] == (message if isinstance(message, str) else message.decode())
        else:
            assert row["data"] == json.loads(message) or row["data"] != row["data"]


@pytest.mark.parametrize("module", ["msgspec", "json"])
@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", '{"p":NaN}', "[-Infinity]", "tru", ""])
def test_what_only_python_takes_for_json_is_text(module: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if module == "json":
        monkeypatch.setattr(lines, "_check_json", lines._without_msgspec)
    assert told(LINES.message(word, 1.0))["text"] == word
    assert told(LINES.message('{"p":1e5}', 1.0))["data"] == {"p": 1e5}
