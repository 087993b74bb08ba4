"""How the fault judge's server speaks: as Binance's combined streams do, with a number in every message."""

from __future__ import annotations

import json
from collections.abc import Sequence

from holdfast import Endpoint, Failure, MessageWindow, Patience, ServiceLimits, Update
from holdfast.dialects.words import Acknowledged, Listed, Reading, Refused
from holdfast.verdicts import Verdict


class Numbered(Update):
    """Each message of a stream has the number of the one before, plus one."""

    __slots__ = ("number",)

    def __init__(self, stream: str, text: str | bytes, number: int) -> None:
        super().__init__(stream, text)
        self.number = number

    def joins(self, previous: Update) -> bool | None:
        return self.number == previous.number + 1 if isinstance(previous, Numbered) else None


class JudgeDialect:
    """`each`: a request asks for one stream only. `silence`: seconds that a stream may bring nothing."""

    name = "judge"
    limits = ServiceLimits(message_window=MessageWindow(count=5, period=1.0))

    def __init__(self, *, each: bool, silence: float) -> None:
        self._each = each
        self._patience = Patience(silence=silence)

    def check(self, stream: str) -> None:
        """Any name will do."""

    def batches(self, streams: Sequence[str]) -> list[Sequence[str]]:
        return [[stream] for stream in streams] if self._each else [streams]

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return _request("SUBSCRIBE", request, streams)

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return _request("UNSUBSCRIBE", request, streams)

    def list_streams(self, request: int) -> str:
        return _request("LIST_SUBSCRIPTIONS", request)

    def ping(self, request: int) -> None:  # there is none
        return None

    def read(self, message: str | bytes) -> Reading:
        try:
            whole = json.loads(message)
        except ValueError:
            return Update(None, message)
        if "error" in whole:
            return Refused(str(whole["error"]), whole["id"])
        if "result" in whole:
            listed = whole["result"]
            return Acknowledged(whole["id"]) if listed is None else Listed(frozenset(listed), whole["id"])
        if "stream" in whole:
            return Numbered(whole["stream"], message, whole["data"]["t"])
        return Update(None, message)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:  # the judge's URL names no streams
        return frozenset()

    def patience(self, stream: str) -> Patience:  # all are alike
        return self._patience

    def verdict(self, failure: Failure) -> Verdict | None:  # nothing is special
        return None


def _request(method: str, request: int, streams: Sequence[str] = ()) -> str:
    return json.dumps({"method": method, "params": list(streams), "id": request})
