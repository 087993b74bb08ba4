"""Which of the two forms of the loops runs: compiled, or in Python."""

from __future__ import annotations

from collections.abc import Callable

from holdfast import compiled
from holdfast.wire import loops

whole_frames: Callable[[bytes, int, int, list[str | bytes]], int] = loops.whole_frames
client_frame: Callable[[int, bytes, bytes], bytes] = loops.client_frame

if compiled.module is not None:
    whole_frames = compiled.module.whole_frames
    client_frame = compiled.module.client_frame
