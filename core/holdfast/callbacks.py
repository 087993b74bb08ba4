"""The user's callbacks of `Feed.listen`: called, and when they raise, counted and told to the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any, Protocol

from holdfast.dialects.words import Update
from holdfast.errors import ConfigError
from holdfast.failures import told
from holdfast.masking import mask_cut, mask_urls
from holdfast.phrases import ERROR, printable
from holdfast.window import RollingWindow

Callback = Callable[[Any], object]

_LONGEST = 200  # characters shown of a message
_LINES, _PERIOD = 10, 1.0  # at most so many lines in so many seconds: a message may be bad ten thousand times a second


class Teller(Protocol):
    """The driver, as it is seen here."""

    def tell(self, level: int, line: str) -> None:
        """One line for the log."""

    def now(self) -> float:
        """Seconds on the loop's clock."""
        ...


class Callbacks:
    """Of one feed. `errors`: how often one of them raised."""

    __slots__ = (
        "_teller",
        "_untold",
        "_window",
        "errors",
    )

    def __init__(self, teller: Teller) -> None:
        self.errors = 0
        self._teller = teller
        self._window = RollingWindow(_LINES, _PERIOD)
        self._untold = 0

    def call(self, name: str, callback: Callback, items: Iterable[Any]) -> None:
        """One after the other. Whatever is no error, such as a cancellation, leaves the rest where `items` has it."""
        # Resumed behind the item that raised: inside of the loop there is nothing but the call.
        while True:
            item: Any = None
            try:
                for item in items:
                    callback(item)
            except Exception as error:
                self._failed(name, item, error)
            else:
                return

    def _failed(self, name: str, item: object, error: Exception) -> None:
        self.errors += 1
        now = self._teller.now()
        if self._window.free_at(now) > now:
            self._untold += 1
            return
        self._window.note(now)
        more = f"; {self._untold} errors before it were not shown" if self._untold else ""
        self._untold = 0
        self._teller.tell(ERROR, printable(f"{name} raised {told(error)} for {shown(item)}{more}"))


def check_callback(name: str, callback: object) -> None:
    """Raises ConfigError for what cannot be called, and for what would have to be awaited."""
    kind = getattr(callback, "__name__", None) or type(callback).__name__
    if not callable(callback):
        raise ConfigError(f"{name} is {kind}: must be a function of one argument")
    if iscoroutinefunction(callback) or iscoroutinefunction(type(callback).__call__):
        raise ConfigError(
            f"{name} is {kind}, which is async: listen calls plain functions; to await, use `async for` over the feed"
        )


def shown(item: object) -> str:
    """A message or an event for the log: its beginning, without the secrets of URLs."""
    if isinstance(item, Update):
        before = "" if item.stream is None else f"{item.stream}: "
        return before + shown(item.text)
    if isinstance(item, str):
        return repr(_beginning(item))
    if isinstance(item, bytes):
        return f"b{_beginning(item[:_LONGEST].decode(errors='replace'))!r}"
    return _beginning(repr(item))


def _beginning(text: str) -> str:
    return mask_urls(text) if len(text) <= _LONGEST else f"{mask_cut(text[:_LONGEST])}..."
