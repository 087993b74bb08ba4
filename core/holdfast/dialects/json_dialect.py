"""A dialect of one's own, for a service that speaks JSON: made of a few functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, cast

from holdfast.checks import can_be_sent, number
from holdfast.dialects.dialect import ServiceLimits
from holdfast.dialects.words import (
    Acknowledged,
    Control,
    Heartbeat,
    Listed,
    Notice,
    Patience,
    Reading,
    Refused,
    Reply,
    Update,
    json_of,
)
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.failures import Failure
from holdfast.records import dataclass
from holdfast.verdicts import Verdict

_HIGHEST = 2**53  # a number that no request goes beyond
_NO_LIMITS = ServiceLimits()
_PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class Data:
    """What `read` found to be data: of which stream, and the payload, parsed.

    `key`: what tells it from all others of the stream; None for its text. `time`: when it happened, Unix seconds.
    """

    stream: str
    payload: Any
    key: Hashable = None
    time: float | None = None


Found = Data | Control | str | None
"""What `read` gives: data, the name of the stream where all of the message is data, a control, None for neither."""


class JsonUpdate(Update):
    """Data as `read` found it."""

    __slots__ = ("_found",)

    def __init__(self, text: str | bytes, found: Data) -> None:
        super().__init__(found.stream, text)
        self._found = found

    @property
    def data(self) -> str | bytes:
        return _compact(self._found.payload)

    def json(self) -> Any:
        return self._found.payload

    @property
    def event_time(self) -> float | None:
        return self._found.time

    @property
    def key(self) -> Hashable:
        return self.text if self._found.key is None else self._found.key


class JsonDialect:
    """Give the functions that the service needs; what is left out, it does not have.

    `subscribe` and `unsubscribe` are given streams and the number of the request (from 1, new on each connection for
    each), `list_streams` and `ping` only a number. They give the request, as JSON is in Python, or as the text to send.
    `limits.max_streams_per_request` and `max_request_size` say how many streams they are given at once.

    `read` is given a message, parsed. It need not check it: where it raises, as it will for a message of another shape,
    or gives what is not of the right types, or the message is no JSON, that is an Update of stream None. Where `ping`,
    `list_streams` or `verdict` raise, `DialectFailed` tells, and it is as if they were not there.

    `check` raises ConfigError for what can be no stream. `symbol` says what a stream is about: those of one symbol stay
    on one connection, where there are several. `patience` is that of all streams. `asked_by` and `verdict`
    are as those of `Dialect`.
    """

    def __init__(
        self,
        *,
        subscribe: Callable[[Sequence[str], int], object],
        unsubscribe: Callable[[Sequence[str], int], object],
        read: Callable[[Any], Found],
        list_streams: Callable[[int], object] | None = None,
        ping: Callable[[int], object] | None = None,
        check: Callable[[str], None] | None = None,
        symbol: Callable[[str], str] | None = None,
        asked_by: Callable[[Endpoint], Iterable[str]] | None = None,
        verdict: Callable[[Failure], Verdict | None] | None = None,
        limits: ServiceLimits = _NO_LIMITS,
        patience: Patience = _PATIENT,
        name: str = "json",
    ) -> None:
        if limits.ping_every is not None and ping is None:
            raise ConfigError(f"limits.ping_every = {limits.ping_every:g} without ping: say what a ping is")
        self.name = name
        self.limits = limits
        self._subscribe, self._unsubscribe, self._read = subscribe, unsubscribe, read
        self._list_streams, self._ping = list_streams, ping
        self._check, self._asked_by, self._verdict = check, asked_by, verdict
        self._symbol = symbol
        self._patience = patience

    def check(self, stream: str) -> None:
        if self._check is not None:
            self._check(stream)
        size, limit = len(self.subscribe([stream], _HIGHEST).encode()), self.limits.max_request_size
        if limit is not None and size > limit:
            raise ConfigError(f"{stream!r}: a request for it has {size} bytes, and {self.name} takes {limit}")

    def symbol(self, stream: str) -> str:
        return self._symbol(stream) if self._symbol is not None else stream

    def batches(self, streams: Sequence[str]) -> Iterator[Sequence[str]]:
        batch: list[str] = []
        for stream in streams:
            if batch and not self._fits([*batch, stream]):
                yield batch
                batch = []
            batch.append(stream)
        if batch:
            yield batch

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return _text(self._subscribe(streams, request))

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return _text(self._unsubscribe(streams, request))

    def list_streams(self, request: int) -> str | None:
        return _text(self._list_streams(request)) if self._list_streams is not None else None

    def ping(self, request: int) -> str | None:
        return _text(self._ping(request)) if self._ping is not None else None

    def read(self, message: str | bytes) -> Reading:
        try:
            found = self._read(json_of(message))
            if isinstance(found, Data):
                hash(found.key)
        except Exception:  # whatever a message of another shape leads to
            return Update(None, message)
        if not _is_sound(found):
            return Update(None, message)
        if isinstance(found, Data):
            return JsonUpdate(message, found)
        return Update(found, message) if isinstance(found, str | None) else found

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:
        return frozenset(self._asked_by(endpoint)) if self._asked_by is not None else frozenset()

    def patience(self, stream: str) -> Patience:  # noqa: ARG002  # all have the same
        return self._patience

    def verdict(self, failure: Failure) -> Verdict | None:
        return self._verdict(failure) if self._verdict is not None else None

    def _fits(self, batch: Sequence[str]) -> bool:
        count, size = self.limits.max_streams_per_request, self.limits.max_request_size
        if count is not None and len(batch) > count:
            return False
        texts = (self.subscribe(batch, _HIGHEST), self.unsubscribe(batch, _HIGHEST)) if size is not None else ()
        return all(len(text.encode()) <= cast(int, size) for text in texts)


def _is_sound(found: object) -> bool:
    """Whether what a function found has the types that it should have: what it took from a message may have any."""
    if isinstance(found, Data):
        return isinstance(cast(object, found.stream), str) and (found.time is None or number(found.time))
    if isinstance(found, Acknowledged | Refused | Listed):
        streams = cast("Iterable[object]", () if found.streams is None else found.streams)
        named = isinstance(streams, tuple | frozenset) and all(isinstance(stream, str) for stream in streams)
        sound = named and isinstance(cast(object, found.request), int | None)
        return sound and (not isinstance(found, Refused) or isinstance(cast(object, found.reason), str))
    if isinstance(found, Reply):
        return isinstance(cast(object, found.text), str) and can_be_sent(found.text)
    if isinstance(found, Notice):
        return isinstance(cast(object, found.text), str)
    return isinstance(found, str | Heartbeat | None)


def _text(request: object) -> str:
    return request if isinstance(request, str) else _compact(request)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
