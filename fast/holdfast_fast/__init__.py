"""The innermost loops of Holdfast, compiled: `holdfast.wire.loops` says what they do. Holdfast finds them by itself.

With HOLDFAST_PURE=1 in the environment they stay aside.
"""

import os

if os.environ.get("HOLDFAST_PURE", "0") not in ("", "0"):
    raise ImportError("HOLDFAST_PURE is set: Holdfast is to run in plain Python")

from holdfast_fast._loops import client_frame, whole_frames

__version__ = "0.1.0"
INTERFACE = 1  # what Holdfast must expect of the functions; another number, and it does without them

__all__ = ["INTERFACE", "__version__", "client_frame", "whole_frames"]
