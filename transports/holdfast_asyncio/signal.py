"""What a task waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context


class Signal:
    """An event for one task, and one time. To tasks it is a future: what asyncio asks of one that is not its own
    (`asyncio.isfuture`) is here.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_is_cancelled", "_is_done", "_loop", "_message", "_wake_up")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self._wake_up: Callable[[Signal], object] | None = None  # of the task that waits
        self._context: Context | None = None
        self._is_done = False
        self._is_cancelled = False
        self._message: str | None = None  # of whoever cancelled it

    def set(self) -> None:
        if self._is_done:  # it may have been cancelled, too
            return
        self._is_done = True
        if self._wake_up is not None:
            self._loop.call_soon(self._wake_up, self, context=self._context)

    def set_at_once(self) -> None:
        """Likewise; but where no task is running, the one that waits has run when this returns. A future would have it
        run a turn of the loop later: so much sooner a message is with its consumer.
        """
        wake_up, context = self._wake_up, self._context
        if self._is_done or wake_up is None or context is None or asyncio.current_task(self._loop) is not None:
            self.set()
            return
        self._is_done = True
        context.run(wake_up, self)

    def wait(self) -> Signal:
        return self

    def __await__(self) -> Generator[Signal]:
        return self  # type: ignore[return-value]  # an iterator, which is all that `await` asks for

    def __iter__(self) -> Signal:
        return self

    def __next__(self) -> Signal:
        """No generator, which would take 200 bytes for every feed that waits."""
        if self._is_done:
            raise StopIteration
        self._asyncio_future_blocking = True
        return self

    # What a task asks of what it waits for

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, wake_up: Callable[[Signal], object], *, context: Context | None = None) -> None:
        self._wake_up, self._context = wake_up, context

    def cancel(self, msg: str | None = None) -> bool:
        if self._is_done:
            return False
        self._is_done = True
        self._is_cancelled, self._message = True, msg
        if self._wake_up is not None:
            self._loop.call_soon(self._wake_up, self, context=self._context)
        return True

    def result(self) -> None:
        if self._is_cancelled:
            raise asyncio.CancelledError(*(() if self._message is None else (self._message,)))
