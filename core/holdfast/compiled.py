"""Whether holdfast-fast is installed and fits: then some things run compiled, and else all of them in Python."""

from __future__ import annotations

from types import ModuleType

_INTERFACE = 2  # of what is compiled: arguments, and what is promised

module: ModuleType | None = None
accelerator: str | None = None
"""The distribution that is in use, and its version, for people; None: all is plain Python."""

try:
    import holdfast_fast
except ImportError:  # not installed, or not wanted: it looks at HOLDFAST_PURE itself
    pass
else:
    if holdfast_fast.INTERFACE == _INTERFACE:
        module = holdfast_fast
        accelerator = f"holdfast-fast {holdfast_fast.__version__}"
