"""What a failure means: try again (not before a while), go elsewhere, or give up. One table, no state."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from holdfast.failures import Cause, Failure


class Action(Enum):
    """What to do about a failure."""

    RETRY = "retry"
    FOLLOW = "follow"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait`: seconds that the server asked for. `policy`: the close said that we are at fault, so repeats count."""

    action: Action
    reason: str = ""
    wait: float = 0.0
    policy: bool = False


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GIVE_UP = {
    400: "the server does not understand the request: check URL and headers",
    401: "the server wants other credentials",
    403: "the server forbids it: credentials, IP address or region",
    404: "there is nothing at this URL",
    410: "what was at this URL is gone for good",
}
# The peer says "your fault": repeating at once, for ever, would not help.
_POLICY_CODES = frozenset({1002, 1003, 1007, 1008, 1009, 1010})

RETRY = Verdict(Action.RETRY)


def judge(failure: Failure, wall_now: float, retry_after_cap: float) -> Verdict:
    """The default verdict. `wall_now` (Unix seconds) serves only Retry-After dates."""
    if failure.cause is Cause.HTTP:
        return _judge_status(failure, wall_now, retry_after_cap)
    if failure.cause is Cause.CERTIFICATE:
        return Verdict(
            Action.GIVE_UP, "the certificate must verify: check the host name, the clock, or give a TLS context"
        )
    if failure.cause in (Cause.CLOSED, Cause.PROTOCOL):
        code = failure.code or 0
        return Verdict(Action.RETRY, policy=code in _POLICY_CODES or 4000 <= code <= 4999)
    return RETRY


def _judge_status(failure: Failure, wall_now: float, cap: float) -> Verdict:
    status = failure.status or 0
    if status in _REDIRECTS:
        if failure.header("location"):
            return Verdict(Action.FOLLOW)
        return Verdict(Action.GIVE_UP, "a redirect without Location")
    if status in _GIVE_UP:
        return Verdict(Action.GIVE_UP, _GIVE_UP[status])
    if status in (408, 418, 425, 429) or status >= 500:
        asked = parse_retry_after(failure.header("retry-after"), wall_now)
        return Verdict(Action.RETRY, wait=min(asked, cap))
    if status < 300:
        # A 200 page where a WebSocket should be: wrong URL, or a load balancer's apology. Others mend it, or nobody.
        return Verdict(Action.RETRY, policy=True)
    return Verdict(Action.GIVE_UP, f"HTTP {status} does not pass by itself")


_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT\Z")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_retry_after(value: str | None, wall_now: float) -> float:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3): delay-seconds or an HTTP-date; else 0."""
    if value is None:
        return 0.0
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:10])
    match = _HTTP_DATE.match(value)
    if match is None or match[2] not in _MONTHS:
        return 0.0
    from datetime import UTC, datetime

    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    try:
        date = datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return 0.0
    return max(0.0, date.timestamp() - wall_now)
