"""Several names under which one service can be dialled, each of which can be shut on its own, or lead to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.world import Chance, Dialling, Host, Link, World

if TYPE_CHECKING:
    from fuzz.voyage import Voyage

_SHUT = (Dialling.REFUSED, Dialling.HANGS, Dialling.DNS_FAILS, Dialling.TLS_FAILS)
_STATUSES = (301, 302, 303, 307, 308)
_END_OF_REQUEST = b"\r\n\r\n"


class Door(Host):
    """Another name of a host: dialled under its own, and otherwise the same. `leads_to`: the name to which whoever
    comes is redirected, and with which status.
    """

    def __init__(self, name: str, host: Host, world: World) -> None:
        super().__init__(name, host.server, world.schedule)
        self.links = host.links
        self.leads_to: tuple[str, int] | None = None
        self._host = host
        self._redirected: dict[int, tuple[Link, bytearray]] = {}  # those who are, with their requests so far

    def next_conn(self) -> int:
        return self._host.next_conn()

    def settle(self) -> None:
        self._host.settle()

    def accept(self, conn: int, link: Link) -> None:
        if self.leads_to is None:
            super().accept(conn, link)
        else:
            self._redirected[conn] = link, bytearray()

    def received(self, conn: int, data: bytes) -> None:
        if conn not in self._redirected:
            super().received(conn, data)
            return
        link, request = self._redirected[conn]
        request += data
        if _END_OF_REQUEST in request:
            del self._redirected[conn]
            link.downward.put(self._answer(bytes(request)))
            link.downward.put(None)
            link.upward.abandon()

    def ended(self, conn: int) -> None:
        if (redirected := self._redirected.pop(conn, None)) is not None:
            redirected[0].downward.put(None)
        else:
            super().ended(conn)

    def _answer(self, request: bytes) -> bytes:
        target = request.split(b" ", 2)[1].decode()
        name, status = self.leads_to or (self._host.name, _STATUSES[0])
        head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: ws://{name}{target}\r\n"
        return f"{head}Connection: close\r\nContent-Length: 0\r\n\r\n".encode()


def names_of(host: str, count: int) -> list[str]:
    """What the doors of a host are called; the first has its name."""
    return [host, *(f"{number}.{host}" for number in range(2, count + 1))]


def shut_door(voyage: Voyage, chance: Chance) -> None:
    """One of them is shut for a while; perhaps what came through it breaks."""
    door = chance.choice(voyage.doors)
    door.dialling = chance.choice(_SHUT)
    voyage.later(chance.choice((10.0, 60.0, 600.0)), lambda: voyage.open(door))
    if chance.chance(0.7):
        voyage.reset_links()


def redirect(voyage: Voyage, chance: Chance) -> None:
    """All but the first lead elsewhere for a while, perhaps in a circle; and perhaps the first is shut."""
    names, seconds = [door.name for door in voyage.doors], chance.choice((10.0, 60.0, 600.0))
    in_a_circle = chance.chance(0.3)
    others = names[1:]
    for number, door in enumerate(voyage.doors):
        if isinstance(door, Door):
            following = others[number % len(others)]
            door.leads_to = following if in_a_circle else chance.choice(names), chance.choice(_STATUSES)
            voyage.later(seconds, lambda door=door: setattr(door, "leads_to", None))  # type: ignore[misc]
    if chance.chance(0.7):
        voyage.doors[0].dialling = chance.choice(_SHUT)
        voyage.later(seconds, lambda: voyage.open(voyage.doors[0]))
    if chance.chance(0.8):
        voyage.reset_links()
