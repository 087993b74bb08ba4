"""A dialect for the exchange of the tests, which speaks in combined streams."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from holdfast import ConfigError, DialWindow, Endpoint, Failure, MessageWindow, Patience, Service, ServiceLimits, Update
from holdfast.dialects.words import Acknowledged, Listed, Reading, Refused
from holdfast.verdicts import Verdict


@dataclass(frozen=True)
class Combined:
    """Its numbers are what a test likes."""

    limits: ServiceLimits = field(default_factory=lambda: ServiceLimits(dial_window=DialWindow(1000, 60.0)))
    patient: Patience = field(default_factory=Patience)
    batch: int = 10
    lists: bool = True
    name: str = "combined"

    def check(self, stream: str) -> None:
        if " " in stream:
            raise ConfigError(f"{stream!r}: no spaces")

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        return [streams[at : at + self.batch] for at in range(0, len(streams), self.batch)]

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return json.dumps({"method": "SUBSCRIBE", "params": list(streams), "id": request})

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return json.dumps({"method": "UNSUBSCRIBE", "params": list(streams), "id": request})

    def list_streams(self, request: int) -> str | None:
        return json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": request}) if self.lists else None

    def ping(self, request: int) -> str | None:
        return None

    def read(self, message: str | bytes) -> Reading:
        told = json.loads(message)
        if "stream" in told:
            return Update(told["stream"], message)
        if "error" in told:
            return Refused(told["error"]["msg"], told["id"])
        if isinstance(told.get("result", 0), list):
            return Listed(frozenset(told["result"]), told["id"])
        return Acknowledged(told["id"]) if "result" in told else Update(None, message)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:
        streams = parse_qs(endpoint.target.partition("?")[2]).get("streams", [""])[0]
        return frozenset(filter(None, streams.split("/")))

    def patience(self, stream: str) -> Patience:
        return self.patient

    def verdict(self, failure: Failure) -> Verdict | None:
        return None


def service(*streams: str, url: str = "ws://example.com/stream", **numbers) -> Service:
    return Service(Combined(**numbers), url, streams)


STRICT = ServiceLimits(message_window=MessageWindow(5, 1.0))
