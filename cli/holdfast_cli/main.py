"""Where the `holdfast` command begins. Nothing here needs an extra, so that a missing one can be named."""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # before there is anything to interrupt; `exits` is one of the imports
_FROM_EXTRA = {"click": "cli", "rich": "cli", "trio": "trio"}


def main() -> None:
    """Run the command; never returns normally."""
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
