"""How the services of voyages that have streams want to be spoken to: a dialect whose numbers and manners are drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import parse_qs

from holdfast import Endpoint, Failure, Patience, ServiceLimits, Update
from holdfast.dialects.words import Acknowledged, Heartbeat, Listed, Notice, Reading, Refused, Reply
from holdfast.verdicts import Verdict

Acks = Literal["whole", "each", "snapshot"]
_DATA = '{"stream":"'  # begins every message of a stream; its name follows


@dataclass(frozen=True)
class Spoken:
    """A dialect. `str` says it in few words.

    `acks`: one answer a request (`whole`, always numbered), one a stream (`each`), or a list of all that is subscribed
    to (`snapshot`, never numbered). `numbered`: whether answers repeat the number of the request. `lists`: whether the
    service can be asked what is subscribed to. `batch`: streams a request. `pings`: in the service's own form.
    `patient`: of all streams but the `quiet`, which may be silent for as long as they like.
    """

    acks: Acks = "whole"
    numbered: bool = True
    lists: bool = True
    batch: int = 10
    pings: bool = False
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    patient: Patience = field(default_factory=Patience)
    quiet: frozenset[str] = frozenset()

    def __str__(self) -> str:
        parts = [f"acks {self.acks}", f"batches of {self.batch}"]
        parts += [word for word in ("numbered", "lists", "pings") if getattr(self, word)]
        if (window := self.limits.message_window) is not None:
            parts.append(f"{window.count} messages in {window.period:g} s")
        parts.append(f"patience {self.patient.first}, {self.patient.silence}")
        return " ".join(parts)

    @property
    def name(self) -> str:
        return "spoken"

    def check(self, stream: str) -> None:
        """Every name is one."""

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        return [streams[at : at + self.batch] for at in range(0, len(streams), self.batch)]

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return json.dumps({"sub": list(streams), "id": request})

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return json.dumps({"unsub": list(streams), "id": request})

    def list_streams(self, request: int) -> str | None:
        return json.dumps({"list": True, "id": request}) if self.lists else None

    def ping(self, request: int) -> str | None:
        return json.dumps({"ping": request}) if self.pings else None

    def read(self, message: str | bytes) -> Reading:
        if isinstance(message, str) and message.startswith(_DATA):
            return Update(message[len(_DATA) : message.index('"', len(_DATA))], message)
        try:
            told: object = json.loads(message)
        except ValueError:
            return Update(None, message)
        return _control(cast("dict[str, Any]", told), message) if isinstance(told, dict) else Update(None, message)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:
        return frozenset(streams_of(endpoint.target))

    def patience(self, stream: str) -> Patience:
        return Patience() if stream in self.quiet else self.patient

    def verdict(self, failure: Failure) -> Verdict | None:
        return None


def streams_of(target: str) -> list[str]:
    """What a request target asks for by itself."""
    asked = parse_qs(target.partition("?")[2]).get("streams", [""])[0]
    return [name for name in asked.split("/") if name]


def _control(told: dict[str, Any], message: str | bytes) -> Reading:
    number, streams = told.get("id"), told.get("streams")
    named = None if streams is None else tuple(streams)
    if "ok" in told:
        return Acknowledged(number, named, dropped=told["ok"] == "unsub")
    if "no" in told:
        return Refused(told["no"], number, named)
    if "have" in told:
        return Listed(frozenset(told["have"]), number)
    if "ask" in told:
        return Reply(json.dumps({"answer": told["ask"]}))
    if "event" in told:
        return Notice(str(message), going_away=True)
    return Heartbeat() if "channel" in told or "pong" in told else Update(None, message)
