"""The user's `on_connect`: it says something, takes its time, or fails; and it leaves all messages to the consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fuzz.dial_plan import DrawnDials
from holdfast import NewConnection
from holdfast.testing.world import sleep

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

GREETING = '{"ping": 0}'


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
            await connection.send(GREETING)
        if pause and not self._voyage.healed:
            await sleep(pause)
        if fails and not self._voyage.healed:
            self.outcomes[connection.conn] = "failed"
            raise PermissionError("not today")
        self.outcomes[connection.conn] = "done"
        self._voyage.ear.conn = connection.conn  # whose early messages are read as soon as this returns
