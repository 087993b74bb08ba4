"""The compiled loops must do what those in Python do, and Holdfast must do without them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.frames import broken_streams, mutated_streams, server_frame, valid_streams
from holdfast import accelerator
from holdfast.wire import BINARY, RSV1, TEXT, fast, loops

compiled = pytest.mark.skipif(accelerator is None, reason="without the compiled loops: make test-fast")

STREAMS = st.one_of(valid_streams().map(b"".join), broken_streams(), mutated_streams(), st.binary(max_size=300))
LIMITS = st.one_of(st.integers(0, 300), st.sampled_from([65534, 65535]))


def outcome(whole_frames: object, stream: bytes, pos: int, limit: int) -> tuple[object, list[str | bytes]]:
    """Where the loop stopped, or why, and what it appended."""
    messages: list[str | bytes] = ["before"]
    try:
        return whole_frames(stream, pos, limit, messages), messages  # type: ignore[operator]
    except UnicodeDecodeError as error:
        return error.args, messages


@compiled
@given(STREAMS, st.integers(0, 20), LIMITS)
def test_both_find_the_same_messages(stream: bytes, pos: int, limit: int) -> None:
    # Behind the first control frame, too: that is where the reader has them go on.
    for begin in (pos, 0, *(at + 2 for at in range(len(stream)) if stream[at : at + 2] == b"\x89\x00")):
        ours, theirs = (
            outcome(whole_frames, stream, begin, limit) for whole_frames in (loops.whole_frames, fast.whole_frames)
        )
        assert ours == theirs


@compiled
@given(st.sampled_from([TEXT, BINARY, TEXT | RSV1]), st.binary(max_size=200), st.integers(0, 400))
def test_both_make_the_same_frames(opcode: int, unit: bytes, times: int) -> None:
    payload = unit * times
    assert fast.client_frame(opcode, payload, b"\x93\x11\xa7\x5e") == loops.client_frame(
        opcode, payload, b"\x93\x11\xa7\x5e"
    )


@compiled
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_what_is_cut_off_is_left_wherever_that_is(opcode: int) -> None:
    """What the memory holds behind the bytes must not become a message."""
    stream = b"".join(server_frame(opcode, b"x" * size) for size in (5, 126, 1))
    for end in range(len(stream) + 1):
        outcomes = [outcome(whole, stream[:end], 0, 65535) for whole in (loops.whole_frames, fast.whole_frames)]
        assert outcomes[0] == outcomes[1]


@compiled
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("text", 0, 9, []),
        (b"\x81\x01a.", -1, 9, []),
        (b"\x81\x01a.", "0", 9, []),
        (b"\x81\x01a.", 1 << 80, 9, []),
        (b"\x81\x01a.", 0, 1 << 80, []),
        (b"\x81\x01a.", 0, 9, ()),
    ],
)
def test_a_wrong_call_is_an_error(arguments: tuple[object, ...]) -> None:
    with pytest.raises((TypeError, OverflowError)):
        fast.whole_frames(*arguments)  # type: ignore[arg-type]


@compiled
@pytest.mark.parametrize(
    "arguments", [(), (1, "text", b"mask"), (1, b"", b"mas"), (1, b"", b"masks"), (128, b"", b"mask")]
)
def test_a_wrong_frame_is_an_error(arguments: tuple[object, ...]) -> None:
    with pytest.raises((TypeError, ValueError)):
        fast.client_frame(*arguments)  # type: ignore[arg-type]


def accelerator_in(path: Path, **environment: str) -> str:
    """What a fresh interpreter uses that finds modules in `path`."""
    done = subprocess.run(
        [sys.executable, "-c", "import holdfast; print(holdfast.accelerator)"],
        env={**os.environ, "PYTHONPATH": str(path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_without_them_holdfast_runs_in_python(tmp_path: Path) -> None:
    assert accelerator_in(tmp_path) == "None"


@pytest.mark.parametrize(("interface", "used"), [(2, "holdfast-fast 9.9"), (3, "None"), (1, "None")])
def test_those_of_another_interface_stay_aside(tmp_path: Path, interface: int, used: str) -> None:
    code = f"__version__ = '9.9'\nINTERFACE = {interface}\nwhole_frames = client_frame = Taken = None\n"
    (tmp_path / "holdfast_fast.py").write_text(code)
    assert accelerator_in(tmp_path) == used


@compiled
@pytest.mark.parametrize(("wanted", "pure"), [("1", True), ("0", False), ("", False)])
def test_the_environment_can_do_without_them(wanted: str, pure: bool) -> None:
    import holdfast_fast

    folder = Path(holdfast_fast.__file__).parents[1]
    assert (accelerator_in(folder, HOLDFAST_PURE=wanted) == "None") is pure
