"""The user's `on_connect`: it says something, perhaps awaits the answer, takes its time, or fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fuzz.dial_plan import DrawnDials
from holdfast import NewConnection, NotOpen
from holdfast.testing.world import sleep

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

GREETING = '{"ping": 0}'
_ANSWER = '{"pong"'


class Greetings:
    """For one voyage. `outcomes`: what came of each, by connection."""

    def __init__(self, voyage: Voyage, drawn: DrawnDials) -> None:
        self.outcomes: dict[int, Literal["running", "done", "failed"]] = {}
        self._drawn = drawn
        self._voyage = voyage
        self._chance = voyage.world.chance.fork("greetings")

    async def on_connect(self, connection: NewConnection) -> None:
        pause, fails = self._chance.choice(self._drawn.pauses), self._chance.chance(self._drawn.fails)
        self.outcomes[connection.conn] = "running"
        if self._voyage.plan.spoken is not None:
            await self._greet(connection)
        if pause and not self._voyage.healed:
            await sleep(pause)
        if fails and not self._voyage.healed:
            self.outcomes[connection.conn] = "failed"
            raise PermissionError("not today")
        self.outcomes[connection.conn] = "done"
        self._voyage.ear.conn = connection.conn  # whose early messages are read as soon as this returns

    async def _greet(self, connection: NewConnection) -> None:
        """What comes before the answer is lost to the consumer, as with any `on_connect` that looks for one message."""
        await connection.send(GREETING)
        try:
            while self._drawn.receives and not str(await connection.receive()).startswith(_ANSWER):
                pass
        except NotOpen:
            self.outcomes[connection.conn] = "failed"
            raise
