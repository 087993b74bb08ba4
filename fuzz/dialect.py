"""How the services of voyages that have streams want to be spoken to: a dialect whose numbers and manners are drawn."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import parse_qs

from holdfast import Endpoint, Failure, Patience, ServiceLimits, Update
from holdfast.dialects.words import Acknowledged, Heartbeat, Listed, Notice, Reading, Refused, Reply
from holdfast.verdicts import Verdict

Acks = Literal["whole", "each", "snapshot"]
Key = Literal["text", "id", "number"]
_DATA = '{"stream":"'  # begins every message of a stream; its name follows


class NumberedUpdate(Update):
    """Data with `"n"`, the service's number in the stream, or `"p"`, its number on the connection, or both."""

    __slots__ = ("_key",)

    def __init__(self, stream: str, text: str, key: Key) -> None:
        super().__init__(stream, text)
        self._key = key

    @property
    def key(self) -> Hashable:
        if self._key == "text":
            return self.text
        return self._number("t" if self._key == "id" else "n")

    def joins(self, previous: Update) -> bool | None:
        """A number that did not grow tells nothing."""
        mine, earlier = self.sequence, previous.sequence
        if mine is None or earlier is None or mine <= earlier:
            return None
        return mine[0] == earlier[1] + 1

    @property
    def sequence(self) -> tuple[int, int] | None:
        number = self._number("n")
        return None if number is None else (number, number)

    @property
    def position(self) -> int | None:
        return self._number("p")

    def _number(self, name: str) -> int | None:
        mark = f'"{name}":'
        at = str(self.text).find(mark)
        return None if at < 0 else int(str(self.text)[at + len(mark) :].partition(",")[0].rstrip("}"))


@dataclass(frozen=True)
class Spoken:
    """A dialect. `str` says it in few words.

    `acks`: one answer a request (`whole`, always numbered), one a stream (`each`), or a list of all that is subscribed
    to (`snapshot`, never numbered). `numbered`: whether answers repeat the number of the request. `lists`: whether the
    service can be asked what is subscribed to. `batch`: streams a request. `pings`: in the service's own form.
    `patient`: of all streams but the `quiet`, which may be silent for as long as they like. `numbers`: whether each
    stream's messages are numbered. `key`: what two copies of a message have in common: all, or only who it is in the
    world (`id`), or only its number in the stream, which comes again when the service begins anew.
    """

    acks: Acks = "whole"
    numbered: bool = True
    lists: bool = True
    batch: int = 10
    pings: bool = False
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    patient: Patience = field(default_factory=Patience)
    quiet: frozenset[str] = frozenset()
    numbers: bool = False
    key: Key = "text"

    def __str__(self) -> str:
        parts = [f"acks {self.acks}", f"batches of {self.batch}"]
        parts += [word for word in ("numbered", "lists", "pings", "numbers") if getattr(self, word)]
        parts += ["counts"] if self.limits.counts else []
        parts.append(f"keys {self.key}")
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
            stream = message[len(_DATA) : message.index('"', len(_DATA))]
            if self.numbers or self.limits.counts:
                return NumberedUpdate(stream, message, self.key)
            return Update(stream, message)
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
        return Listed(frozenset(told["have"]), number, told.get("p"))
    if "ask" in told:
        return Reply(json.dumps({"answer": told["ask"]}))
    if "event" in told:
        return Notice(str(message), going_away=True)
    return Heartbeat(told.get("p")) if "channel" in told or "pong" in told else Update(None, message)
