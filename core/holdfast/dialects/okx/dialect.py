"""How OKX wants streams asked for, and what it demands: one dialect for both of its URLs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.dialects.channels import batched, compact, parted
from holdfast.dialects.dialect import ServiceLimits
from holdfast.dialects.okx.streams import argument, channel, check
from holdfast.dialects.okx.updates import read
from holdfast.dialects.words import Patience, Reading
from holdfast.endpoint import Endpoint
from holdfast.failures import Cause, Failure
from holdfast.settings import DialWindow, MessageWindow
from holdfast.verdicts import Action, Verdict

_STREAMS_PER_REQUEST = 100  # no number is documented, only bytes; one has at most 150 characters and mostly 60
_NO_POLICY = {
    4004: "no data, and no ping of ours, in 30 s",
    4005: "we read too slowly",
    4006: "OKX lost the connection",
}


@dataclass(frozen=True)
class OkxDialect:
    """`route`: `public` or `business`, which carry different channels."""

    route: str = "public"

    # https://www.okx.com/docs-v5/en/#overview-websocket-connect, as of 2026-06, read 2026-11-21.
    limits = ServiceLimits(
        max_streams_per_request=_STREAMS_PER_REQUEST,
        # "The total length of multiple channel cannot exceed 64 KB"; close 1009 beyond it.
        max_request_size=60_000,
        # "480 times per hour": subscribe, unsubscribe and login of one connection together; pings are none of these.
        message_window=MessageWindow(count=480, period=3600.0, counts_control=False),
        # "3 requests per second (based on IP)".
        dial_window=DialWindow(count=3, period=1.0),
        # Closed with 4004 after 30 s in which nothing was pushed, even before the first request, unless a ping came.
        # Ping frames do not count (observed at a copy of OKX, 2026-09).
        ping_every=20.0,
    )

    @property
    def name(self) -> str:
        return f"okx.{self.route}"

    def check(self, stream: str) -> None:
        check(stream, self.route)

    def symbol(self, stream: str) -> str:
        """The instrument."""
        return parted(stream)[1] or stream

    def batches(self, streams: Sequence[str]) -> Iterable[Sequence[str]]:
        """A request may be for streams of all kinds."""
        return batched(streams, lambda _: "", _STREAMS_PER_REQUEST)

    def subscribe(self, streams: Sequence[str], request: int) -> str:
        return _request("subscribe", streams, request)

    def unsubscribe(self, streams: Sequence[str], request: int) -> str:
        return _request("unsubscribe", streams, request)

    def list_streams(self, request: int) -> None:  # noqa: ARG002
        """OKX cannot say."""
        return

    def ping(self, request: int) -> str:  # noqa: ARG002
        """Plain text, no JSON; so is its answer."""
        return "ping"

    def read(self, message: str | bytes) -> Reading:
        return read(message)

    def asked_by(self, endpoint: Endpoint) -> frozenset[str]:  # noqa: ARG002
        """No URL asks for streams."""
        return frozenset()

    def patience(self, stream: str) -> Patience:
        return channel(stream).patience

    def verdict(self, failure: Failure) -> Verdict | None:
        """Codes from 4000 say that the peer is at fault; these do not."""
        if failure.cause is Cause.CLOSED and (reason := _NO_POLICY.get(failure.code or 0)) is not None:
            return Verdict(Action.RETRY, reason)
        return None


def _request(what: str, streams: Sequence[str], request: int) -> str:
    return compact({"id": str(request), "op": what, "args": [argument(stream) for stream in streams]})
