"""What the machine asks of its driver, in order. Each names a connection by its number, which is never reused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.config import OnConnect
from holdfast.endpoint import Endpoint
from holdfast.settings import ResyncFunction
from holdfast.source import EndpointMaker

if TYPE_CHECKING:
    from holdfast.events import Gap


class Command:
    """Base of all commands."""

    __slots__ = ("conn",)

    def __init__(self, conn: int) -> None:
        self.conn = conn

    def _values(self) -> list[object]:
        return [getattr(self, name) for cls in type(self).__mro__[::-1] for name in getattr(cls, "__slots__", ())]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._values()))})"


class MakeEndpoint(Command):
    """Run the user's function `make`. Answer with `endpoint_made` or `connect_failed`, unless `EndJob` comes first."""

    __slots__ = ("make",)

    def __init__(self, conn: int, make: EndpointMaker) -> None:
        super().__init__(conn)
        self.make = make


class Connect(Command):
    """Dial: name lookup, TCP, proxy, TLS. Answer `connected` or `connect_failed`, unless `Disconnect` comes first."""

    __slots__ = ("endpoint",)

    def __init__(self, conn: int, endpoint: Endpoint) -> None:
        super().__init__(conn)
        self.endpoint = endpoint


class RunOnConnect(Command):
    """Run the user's `function` with a NewConnection. Answer with `on_connect_done`, unless `EndJob` comes first.

    It goes on when the stream has ended meanwhile: there may be words left for it to read.
    """

    __slots__ = ("function",)

    def __init__(self, conn: int, function: OnConnect) -> None:
        super().__init__(conn)
        self.function = function

    def __repr__(self) -> str:
        return f"RunOnConnect({self.conn})"  # a function may show what it was made from


class RunResync(Command):
    """Run the user's `function` with the name of a stream and the gap before it, if there was one. Answer with
    `resynced` or `resync_failed`, unless `EndJob` comes first. `conn` is a number of its own, and no connection's.
    """

    __slots__ = ("function", "gap", "stream")

    def __init__(self, conn: int, function: ResyncFunction, stream: str, gap: Gap | None) -> None:
        super().__init__(conn)
        self.function = function
        self.stream = stream
        self.gap = gap

    def __repr__(self) -> str:
        return f"RunResync({self.conn}, {self.stream!r})"  # a function may show what it was made from


class EndJob(Command):
    """Cancel the function of the user's that runs under this number. Nothing need be reported back."""

    __slots__ = ()


class Write(Command):
    """Send these bytes, after all earlier ones of this connection. Dropped in silence if the connection is gone."""

    __slots__ = ("data",)

    def __init__(self, conn: int, data: bytes) -> None:
        self.conn = conn  # not by the base: there is one for every message that is sent
        self.data = data

    def __repr__(self) -> str:
        return f"Write({self.conn}, {len(self.data)} bytes)"  # credentials may be among them


class Pause(Command):
    """Stop reading from the socket until `Resume`."""

    __slots__ = ()


class Resume(Command):
    """Read again."""

    __slots__ = ()


class Disconnect(Command):
    """Close the socket, or abandon the dial, now. What was not sent yet is dropped; nothing need be reported back."""

    __slots__ = ()
