"""What is served at which path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from holdfast.observe.observed import Observed
from holdfast.observe.readiness import unready
from holdfast.observe.status import status

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
# The page has its script and style in itself, and talks to where it came from.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class StatusServer:
    """Where it can be reached. `port`: the one that was given, or for 0 the one that was free."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


@dataclass(frozen=True, slots=True)
class Answer:
    """Of an HTTP server."""

    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Site:
    """The paths, for these feeds: the mapping may change while it is served.

    `host`: where it listens. On a loopback address only requests to a loopback name are answered, so that no page of
    somebody else's can read it by a name of its own that leads to this machine (DNS rebinding). `collectors`: of what
    else `/metrics` tells.
    """

    def __init__(self, feeds: Mapping[str, Observed], host: str, collectors: Sequence[Collector] = ()) -> None:
        self._feeds = feeds
        self._collectors = collectors
        self._only_loopback = is_loopback(host)
        self._page: bytes | None = None
        self._paths: dict[str, Callable[[str], Answer]] = {
            "/": self._home,
            "/health": self._health,
            "/metrics": self._metrics,
            "/ready": self._ready,
            "/status": self._status,
        }

    @property
    def paths(self) -> list[str]:
        """What there is."""
        return sorted(self._paths)

    def answer(self, method: str, target: str, host: str | None) -> Answer:
        """To a request for this target; `host` is what its Host header says."""
        if method not in ("GET", "HEAD"):
            return _text(405, f"{method}: only GET and HEAD", ("Allow", "GET, HEAD"))
        if self._only_loopback and (host is None or not is_loopback(_name_of(host))):
            return _text(403, "this listens on loopback, and answers to localhost, 127.0.0.1 and [::1] only")
        path, _, query = target.partition("?")
        if (page := self._paths.get(path)) is None:
            return _text(404, f"there is {', '.join(self.paths)}")
        try:
            return page(query)
        except Exception as error:  # monitoring must not harm what is monitored
            return _text(500, f"{type(error).__name__}: {error}")

    def _health(self, _: str) -> Answer:
        return _text(200, "alive")  # who can answer runs

    def _ready(self, _: str) -> Answer:
        reasons = unready(self._feeds)
        return _text(503, "\n".join(reasons)) if reasons else _text(200, "ready")

    def _status(self, query: str) -> Answer:
        return Answer(200, _JSON, json.dumps(status(self._feeds, streams=_wants_streams(query))).encode())

    def _metrics(self, query: str) -> Answer:
        try:
            from holdfast.observe.metrics import exposition
        except ModuleNotFoundError:
            return _text(501, "metrics need prometheus-client: pip install 'holdfast[metrics]'")
        return Answer(200, *exposition(self._feeds, streams=_wants_streams(query), collectors=self._collectors))

    def _home(self, _: str) -> Answer:
        if self._page is None:  # it is part of the package, as its code is
            self._page = files("holdfast.observe").joinpath("page.html").read_bytes()
        return Answer(200, "text/html; charset=utf-8", self._page, (("Content-Security-Policy", _PAGE_POLICY),))


def _wants_streams(query: str) -> bool:
    return parse_qs(query).get("streams", ["0"])[-1] != "0"


def _text(code: int, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(code, _TEXT, f"{text}\n".encode(errors="replace"), headers)


def is_loopback(host: str) -> bool:
    """Whether that name or address leads to this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """A Host header without its port (RFC 9110 section 7.2)."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
