"""What arrives before `on_connect` has returned: messages that it may take, and behind them, perhaps, the end."""

from __future__ import annotations

from collections import deque

from holdfast.connection.encoding import size_of
from holdfast.connection.endings import End
from holdfast.settings import ITEM_COST
from holdfast.wire import CloseFrame, Control, Violation


class Early:
    """Messages, bounded in bytes: whoever is at the bound is to read no more.

    A service that refuses a login says why, and hangs up at once. So an end that comes behind messages which were not
    read waits here, as if it had not been read itself.
    """

    __slots__ = ("_bound", "_messages", "end", "nbytes")

    def __init__(self, bound: int) -> None:
        self.end: End | None = None
        self.nbytes = 0
        self._bound = bound
        self._messages: deque[str | bytes] | tuple[()] = ()  # few connections ever hold one

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        return self._size >= self._bound

    @property
    def is_half_empty(self) -> bool:
        return self._size <= self._bound // 2

    def add(self, messages: list[str | bytes], controls: list[Control]) -> list[Control]:
        """What was read: messages, and behind them perhaps the end. Returns what is not to wait."""
        if self.end is not None:
            return []  # nothing counts behind it
        self._messages = self._messages or deque()
        self._messages.extend(messages)
        self.nbytes += sum(map(size_of, messages))
        if self._messages and controls and isinstance(end := controls[-1], CloseFrame | Violation):
            self.end = end
            return controls[:-1]
        return controls

    def take(self) -> str | bytes:
        """The oldest."""
        assert self._messages
        message = self._messages.popleft()
        self.nbytes -= size_of(message)
        return message

    def take_all(self) -> list[str | bytes]:
        messages = list(self._messages)
        self._messages = ()
        self.nbytes = 0
        return messages

    @property
    def _size(self) -> int:
        return self.nbytes + ITEM_COST * len(self._messages)
