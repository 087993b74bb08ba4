"""Which of the two forms of the loops runs: compiled, if holdfast-fast is installed and fits, else in Python."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.wire import loops

_INTERFACE = 1  # of the compiled loops: their arguments, and what they promise

whole_frames: Callable[[bytes, int, int, list[str | bytes]], int] = loops.whole_frames
client_frame: Callable[[int, bytes, bytes], bytes] = loops.client_frame
accelerator: str | None = None
"""The distribution with the compiled loops that are in use, and its version, for people; None: there is none."""

try:
    import holdfast_fast
except ImportError:  # not installed, or not wanted: it looks at HOLDFAST_PURE itself
    pass
else:
    if holdfast_fast.INTERFACE == _INTERFACE:
        whole_frames = holdfast_fast.whole_frames
        client_frame = holdfast_fast.client_frame
        accelerator = f"holdfast-fast {holdfast_fast.__version__}"
