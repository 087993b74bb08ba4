"""The innermost loops of Holdfast, compiled: `holdfast.wire.loops` and `holdfast.taken` say what they do. Holdfast
finds them by itself.

With HOLDFAST_PURE=1 in the environment they stay aside.
"""

import os

if os.environ.get("HOLDFAST_PURE", "0") not in ("", "0"):
    raise ImportError("HOLDFAST_PURE is set: Holdfast is to run in plain Python")

from holdfast_fast._loops import client_frame, whole_frames
from holdfast_fast._taken import Taken

__version__ = "0.1.0"
INTERFACE = 2  # what Holdfast must expect of them; another number, and it does without them

__all__ = ["INTERFACE", "Taken", "__version__", "client_frame", "whole_frames"]
