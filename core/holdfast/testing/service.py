"""How a feed service speaks: its messages and its requests. No connection, no time."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol, cast
from urllib.parse import parse_qs
from zlib import crc32

from holdfast.testing.ledger import Publication
from holdfast.testing.rules import Rules

MAX_STREAMS = 1024  # of one connection, unless a rule says otherwise
HEARTBEAT = '{"channel":"heartbeat"}'  # what a heartbeat says where the service has none of its own


@dataclass(slots=True)
class Client:
    """One connection, as far as a service must know it.

    `target` is that of its handshake. It gets the messages of `streams`, which the service changes. `mute` is the
    service's own: streams that it acknowledged, and that bring nothing here. `max_streams`: of the rules in force.
    `wall_time`: now, Unix seconds. `latest` gives the last message of a stream that was published; None before the
    first. `requests`: the service's own, when it was asked for something, in the order of `wall_time`. `ending`: set by
    the service, a close code and reason with which it ends the connection after its reply.
    """

    target: str
    streams: set[str]
    mute: set[str]
    max_streams: int | None
    wall_time: float
    latest: Callable[[str], Publication | None]
    requests: deque[float] = field(default_factory=deque[float])
    ending: tuple[int, str] | None = None

    def is_one_too_many(self, count: int, seconds: float) -> bool:
        """Whether this request follows on so many in such a time; it is counted if it does not."""
        while self.requests and self.requests[0] <= self.wall_time - seconds:
            self.requests.popleft()
        if len(self.requests) >= count:
            return True
        self.requests.append(self.wall_time)
        return False


class Service(Protocol):
    """What an exchange must know of a service. Derive from it: what has a body here may be left out."""

    rules: Rules = Rules()
    """The service's own, kept unless the exchange is given others."""

    def asked_by(self, target: str) -> Collection[str] | None:
        """The streams that the request target of a handshake asks for; None if there is nothing at this path."""
        ...

    def greeting(self, client: Client) -> list[str]:  # noqa: ARG002
        """What a client is sent as soon as its connection is open, in order."""
        return []

    def answer(self, request: str, client: Client) -> list[str]:
        """All replies to a client's message, in order; it may change `client`. Never raises for what a client sent.

        Acknowledgements, one or many; snapshots of what is now subscribed to; answers to pings of the service's own.
        """
        ...

    def message(self, publication: Publication, wall_time: float) -> str:
        """The text of a message; `wall_time` is when it was published, in Unix seconds."""
        ...

    def heartbeat(self, number: int) -> str:  # noqa: ARG002
        """What a connection is sent every `Rules.heartbeat` seconds, for the `number`-th time (from 1)."""
        return HEARTBEAT

    def has_heartbeats(self, client: Client) -> bool:  # noqa: ARG002
        """Whether a connection gets heartbeats now."""
        return True

    def numbered(self, text: str, number: int) -> str:  # noqa: ARG002
        """A text as it goes out, if it is the `number`-th (from 0) of all that are counted on its connection."""
        return text

    def counts(self, text: str) -> bool:  # noqa: ARG002
        """Whether a text that is no data has a number among those of its connection; data always has."""
        return True


class CombinedStreams(Service):
    """The combined-stream JSON of Binance: `/stream?streams=a/b`, SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS.

    https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams. As there, a stream that does not
    exist can be subscribed to, and stays silent.
    """

    PATH = "/stream"

    def asked_by(self, target: str) -> Collection[str] | None:
        path, _, query = target.partition("?")
        if path != self.PATH:
            return None
        asked = parse_qs(query).get("streams", [""])[0]
        return [name for name in asked.split("/") if name]

    def answer(self, request: str, client: Client) -> list[str]:
        return [self._reply(request, client.streams, MAX_STREAMS if client.max_streams is None else client.max_streams)]

    def _reply(self, request: str, streams: set[str], limit: int) -> str:
        try:
            parsed: object = json.loads(request)
        except (ValueError, RecursionError):
            return _refused("not JSON", None)
        if not isinstance(parsed, dict):
            return _refused("not an object", None)
        parsed = cast("dict[str, object]", parsed)
        ident = _ident(parsed.get("id"))
        method = parsed.get("method")
        if method == "LIST_SUBSCRIPTIONS":
            return _compact({"result": sorted(streams), "id": ident})
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return _refused("unknown method", ident)
        names = _names(parsed.get("params"))
        if names is None:
            return _refused("params must be a list of stream names", ident)
        if method == "UNSUBSCRIBE":
            streams.difference_update(names)
        elif len(streams.union(names)) > limit:
            return _refused(f"a connection has at most {limit} streams", ident)
        else:
            streams.update(names)
        return _compact({"result": None, "id": ident})

    def message(self, publication: Publication, wall_time: float) -> str:
        symbol, _, kind = publication.stream.partition("@")
        data = {
            "e": kind,
            "s": symbol.upper(),
            "t": publication.sequence,
            "p": _price(publication),
            "T": round(wall_time * 1000),
        }
        return _compact({"stream": publication.stream, "data": data})


def _price(publication: Publication) -> str:
    """A number that wanders up and down, the same in every run."""
    cents = 10_000 + crc32(publication.stream.encode()) % 90_000 + abs(publication.sequence % 400 - 200)
    return f"{cents // 100}.{cents % 100:02}"


def _ident(value: object) -> int | str | None:
    """What a request may be numbered with; anything else is not echoed."""
    return value if isinstance(value, int | str) else None


def _names(value: object) -> list[str] | None:
    names = cast("list[object]", value) if isinstance(value, list) else [None]
    return cast("list[str]", names) if all(isinstance(name, str) for name in names) else None


def _refused(problem: str, ident: int | str | None) -> str:
    return _compact({"error": {"code": 2, "msg": f"Invalid request: {problem}"}, "id": ident})


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
