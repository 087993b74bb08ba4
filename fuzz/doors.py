"""Several names under which one service can be dialled, each of which can be shut on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.world import Chance, Dialling, Host, World

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_SHUT = (Dialling.REFUSED, Dialling.HANGS, Dialling.DNS_FAILS, Dialling.TLS_FAILS)


class Door(Host):
    """Another name of a host: dialled under its own, and otherwise the same."""

    def __init__(self, name: str, host: Host, world: World) -> None:
        super().__init__(name, host.server, world.schedule)
        self.links = host.links
        self._host = host

    def next_conn(self) -> int:
        return self._host.next_conn()

    def settle(self) -> None:
        self._host.settle()


def names_of(host: str, count: int) -> list[str]:
    """What the doors of a host are called; the first has its name."""
    return [host, *(f"{number}.{host}" for number in range(2, count + 1))]


def shut_door(voyage: Voyage, chance: Chance) -> None:
    """One of them is shut for a while; perhaps what came through it breaks."""
    door = chance.choice(voyage.doors)
    door.dialling = chance.choice(_SHUT)
    voyage.later(chance.choice((10.0, 60.0, 600.0)), lambda: setattr(door, "dialling", Dialling.ANSWERED))
    if chance.chance(0.7):
        voyage.reset_links()
