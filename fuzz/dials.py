"""What stands before a dial: the user's function that makes an endpoint, and a window that others keep, too."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fuzz.dial_plan import DrawnDials
from holdfast import Endpoint, FeedConfig
from holdfast.source import targets
from holdfast.testing.world import Chance, sleep

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_TOKEN = re.compile(r"[?&]fresh=(\d+)")


def token_of(endpoint: Endpoint) -> int | None:
    """Which one was made for it; None if none was."""
    found = _TOKEN.search(endpoint.target)
    return None if found is None else int(found[1])


class Makers:
    """Functions in place of the endpoints of a voyage. Each URL has a token, which is good for one dial, at once."""

    def __init__(self, voyage: Voyage, drawn: DrawnDials) -> None:
        self.made_at: list[float] = []  # by token
        self._drawn = drawn
        self._voyage = voyage
        self._chance = voyage.world.chance.fork("makers")

    def in_place_of_endpoints(self, config: FeedConfig) -> FeedConfig:
        makers = [self._maker(one.url) for one in config.targets if isinstance(one, Endpoint)]
        return replace(config, targets=targets(makers, {}))

    def _maker(self, url: str) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            pause, fails = self._chance.choice(self._drawn.pauses), self._chance.chance(self._drawn.fails)
            if pause and not self._voyage.healed:
                await sleep(pause)
            if fails and not self._voyage.healed:
                raise ConnectionError("no token today")
            self.made_at.append(self._voyage.now)
            return f"{url}{'&' if '?' in url else '?'}fresh={len(self.made_at) - 1}"

        make.__name__ = url.partition("//")[2].partition("/")[0]
        return make


class Others:
    """Other processes, which dial from the same address: while they do, our driver puts dials off."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = -math.inf

    def ask(self, host: str) -> float:
        """Seconds for which we must not dial."""
        return max(0.0, self._until - self._clock())

    def dial(self, seconds: float) -> None:
        """They take all there is, for so long."""
        self._until = max(self._until, self._clock() + seconds)

    def stop(self) -> float:
        """They dial no more. For how many seconds they had put off our dials."""
        now = self._clock()
        put_off = max(0.0, self._until - now)
        self._until = min(self._until, now)
        return put_off


def others_dial(voyage: Voyage, chance: Chance) -> None:
    """And perhaps we have to, meanwhile."""
    if voyage.others is not None:
        voyage.others.dial(chance.choice((0.5, 5.0, 60.0, 300.0)))
        if chance.chance(0.7):
            voyage.reset_links()
