"""What a task waits for."""

from __future__ import annotations

import asyncio


class Signal(asyncio.Future[None]):
    """An event for one task, and one time: a third of the cost of an asyncio.Event."""

    __slots__ = ()

    def set(self) -> None:
        if not self.done():  # it may have been cancelled, too
            self.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        return self
