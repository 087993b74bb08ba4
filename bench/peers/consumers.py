"""What the application does with a message: at once, slowly, not for a while, or leave."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from bench.peers.account import Account
from bench.peers.loops import Loop
from bench.peers.messages import number_of, says_pong_is_owed

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
LONGEST = 110  # characters of what a client said


class Consumer:
    """One for each run; a client hands it every message. This one is quick.

    `close` is what an application holds to end the connection or the feed, set by the client.
    """

    def __init__(self, loop: Loop) -> None:
        self.account = Account()
        self.close: Callable[[], Awaitable[object]] | None = None
        self._loop = loop

    async def take(self, message: str) -> bool:
        """Whether the client is to leave its loop now."""
        self.account.message(number_of(message))
        return await self.digest(message)

    def lost(self, why: object) -> None:
        """The client noticed the end of a connection or of a dial, where application code could act on it."""
        self.account.sign(describe(why))

    async def digest(self, message: str) -> bool:
        return False


class Slow(Consumer):
    """So many messages a second at best, for fifteen seconds; then it catches up."""

    SECONDS = 15.0

    def __init__(self, loop: Loop, rate: float) -> None:
        super().__init__(loop)
        self._pause = 1.0 / rate

    async def digest(self, message: str) -> bool:
        begun = self.account.first_at
        assert begun is not None
        if time.monotonic() - begun < self.SECONDS:
            await self._loop.sleep(self._pause)
        return False


class StuckOnce(Consumer):
    """Busy with something else for so long, once, at the hundredth message."""

    AT = 100

    def __init__(self, loop: Loop, seconds: float) -> None:
        super().__init__(loop)
        self._seconds = seconds

    async def digest(self, message: str) -> bool:
        if self.account.messages == self.AT:
            await self._loop.sleep(self._seconds)
        return False


class StuckForEver(Consumer):
    """Takes one message, and is busy with it for the rest of the run."""

    async def digest(self, message: str) -> bool:
        await self._loop.sleep(3600.0)
        return False


class BlocksOnce(Consumer):
    """Blocks the whole loop for ten seconds, at the first message that says that a ping is not answered yet."""

    SECONDS = 10.0
    blocked_at: float | None = None

    async def digest(self, message: str) -> bool:
        if self.blocked_at is None and says_pong_is_owed(message):
            self.blocked_at = time.monotonic()
            time.sleep(self.SECONDS)  # noqa: ASYNC251  # the very thing
        return False


class Leaves(Consumer):
    AT = 20

    async def digest(self, message: str) -> bool:
        return self.account.messages == self.AT


class Raises(Consumer):
    AT = 20

    async def digest(self, message: str) -> bool:
        if self.account.messages == self.AT:
            raise ValueError("mine")
        return False


def describe(error: object) -> str:
    """One line, short enough for a table."""
    if isinstance(error, BaseException):
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if error.__cause__ is not None:
            text += f" ({describe(error.__cause__)})"
    else:
        text = str(error)
    text = ADDRESS.sub("", " ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
