"""What `on_connect` is given: one connection, before its messages flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.errors import NotOpen

if TYPE_CHECKING:
    from holdfast.connection import Connection
    from holdfast.driver import Driver


class NewConnection:
    """A connection that has just been opened: log in, ask, await the answer.

    What is not received here goes to the consumer when `on_connect` returns. All of it, with the dial, has to be done
    within `Timeouts.connect`. If it raises, the connection is closed and the dial has failed, like any other; with
    GiveUp, the feed ends.
    """

    def __init__(self, driver: Driver[Any], conn: int) -> None:
        self._driver = driver
        self._fleet = driver.fleet
        self.conn = conn
        accepted = self._here().accepted
        assert accepted is not None
        self.subprotocol = accepted.subprotocol
        self.headers = accepted.headers  # of the server's answer

    async def send(self, message: str | bytes) -> None:
        """Send text or bytes. Raises NotOpen when the connection is gone, LocalProtocolError for what is no message."""
        self._fleet.send_on(self.conn, message, self._driver.now())
        self._driver.settle()
        await self._driver.flush()

    async def receive(self) -> str | bytes:
        """The next message. Raises NotOpen when the connection is gone."""
        while True:
            connection = self._here()
            if connection.has_early:
                message = connection.take_early()
                self._driver.settle()
                return message
            await self._driver.until(lambda: self._is_gone or self._here().has_early)

    @property
    def _is_gone(self) -> bool:
        return self._fleet.new_connection(self.conn) is None

    def _here(self) -> Connection:
        if (connection := self._fleet.new_connection(self.conn)) is None:
            raise NotOpen(f"connection {self.conn} is gone, or on_connect has returned: a new one gets a new call")
        return connection
