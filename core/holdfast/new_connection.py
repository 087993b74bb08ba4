"""What `on_connect` is given: one connection, before its messages flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from holdfast.errors import NotOpen

if TYPE_CHECKING:
    from holdfast.connection import Connection
    from holdfast.fleet import Fleet


class Runner(Protocol):
    """What runs a fleet, and so the user's functions: a driver, or a process of a simulated world."""

    @property
    def fleet(self) -> Fleet: ...

    def now(self) -> float: ...

    def settle(self) -> None: ...

    async def until(self, ready: Callable[[], bool]) -> None: ...

    async def flush(self) -> None: ...


class NewConnection:
    """A connection that has just been opened: log in, ask, await the answer.

    What is not received here goes to the consumer when `on_connect` returns. All of it, with the dial, has to be done
    within `Timeouts.connect`. If it raises, the connection is closed and the dial has failed, like any other; with
    GiveUp, the feed ends.
    """

    def __init__(self, runner: Runner, conn: int) -> None:
        self._runner = runner
        self._fleet = runner.fleet
        self.conn = conn
        accepted = self._here().accepted
        assert accepted is not None
        self.subprotocol = accepted.subprotocol
        self.headers = accepted.headers  # of the server's answer

    async def send(self, message: str | bytes) -> None:
        """Send text or bytes. Raises NotOpen when the connection is gone, LocalProtocolError for what is no message.

        There is no promise that the peer got it.
        """
        self._here()
        self._fleet.send_on(self.conn, message, self._runner.now())
        self._runner.settle()
        await self._runner.flush()

    async def receive(self) -> str | bytes:
        """The next message. Raises NotOpen when the connection is gone, and has left no more."""
        while True:
            await self._runner.until(self._can_tell)
            connection = self._here()
            if connection.has_early:
                message = connection.take_early()
                self._runner.settle()
                return message
            if connection.ended_early:
                raise NotOpen(f"connection {self.conn} is gone: a new one gets a new call")

    def _can_tell(self) -> bool:
        """Whether `receive` has something to return or to raise."""
        connection = self._fleet.new_connection(self.conn)
        return connection is None or connection.has_early or connection.ended_early

    def _here(self) -> Connection:
        if (connection := self._fleet.new_connection(self.conn)) is None:
            raise NotOpen(f"connection {self.conn} is gone, or on_connect has returned: a new one gets a new call")
        return connection
