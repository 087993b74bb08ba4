"""Where the `holdfast` command begins. Nothing here needs an extra, so that a missing one can be named."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_INTERRUPTED = 130  # before there is anything to interrupt; `exits` is one of the imports
_FROM_EXTRA = {"click": "cli", "rich": "cli", "trio": "trio"}


def main() -> None:
    """Run the command; never returns normally."""
    _occupy_closed_streams()
    try:
        from holdfast_cli.commands import holdfast
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in _FROM_EXTRA:
            raise
        sys.exit(f"holdfast: this needs the module {module}: pip install 'holdfast[{_FROM_EXTRA[module]}]'")
    holdfast()


def _occupy_closed_streams() -> None:
    """Where stdin, stdout or stderr is closed, the next file or socket would get its number, and what is written for
    people would go into it. What is opened here for reading says of every write that nobody is there.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDONLY)  # gets the lowest number that is free: this one
