"""What a failure means: try again (not before a while), go elsewhere, or give up. One table, no state."""

from __future__ import annotations

import re

from holdfast.failures import Cause, Failure
from holdfast.verdicts import Action, Verdict

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GIVE_UP = {
    400: "the server does not understand the request: check URL and headers",
    401: "the server wants other credentials",
    403: "the server forbids it: credentials, IP address or region",
    404: "there is nothing at this URL",
    410: "what was at this URL is gone for good",
}
_GIVE_UP_FOR = {
    Cause.CERTIFICATE: "the certificate must verify: check the host name, the clock, or give a TLS context",
    Cause.CLIENT_CERTIFICATE: "give a TLS context into which the right one was loaded with load_cert_chain()",
    Cause.PROXY_AUTH: "check user and password in the URL of the proxy: http://user:password@host:port",
}
_PROXY_FORBIDS = 403
# The peer says "your fault": repeating at once, for ever, would not help.
_POLICY_CODES = frozenset({1002, 1003, 1007, 1008, 1009, 1010})

RETRY = Verdict(Action.RETRY)


def judge(failure: Failure, wall_now: float, retry_after_cap: float) -> Verdict:
    """The default verdict. `wall_now` (Unix seconds) serves only Retry-After dates."""
    if failure.final:
        return Verdict(Action.GIVE_UP, "GiveUp was raised")
    if failure.cause is Cause.HTTP:
        return _judge_status(failure, wall_now, retry_after_cap)
    if failure.cause in _GIVE_UP_FOR:
        return Verdict(Action.GIVE_UP, _GIVE_UP_FOR[failure.cause])
    if failure.cause is Cause.PROXY:
        if failure.status == _PROXY_FORBIDS:
            return Verdict(Action.GIVE_UP, "the proxy forbids to connect there: ask for it, or take another proxy")
        return Verdict(Action.RETRY, wait=_asked_to_wait(failure, wall_now, retry_after_cap))
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
        return Verdict(Action.RETRY, wait=_asked_to_wait(failure, wall_now, cap))
    if status < 300:
        # A 200 page where a WebSocket should be: wrong URL, or a load balancer's apology. Others mend it, or nobody.
        return Verdict(Action.RETRY, policy=True)
    return Verdict(Action.GIVE_UP, f"HTTP {status} does not pass by itself")


def _asked_to_wait(failure: Failure, wall_now: float, cap: float) -> float:
    return min(parse_retry_after(failure.header("retry-after"), wall_now), cap)


_DIGITS = 10  # more would be three hundred years
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
# RFC 9110 section 5.6.7: the form to send, and two obsolete ones that are accepted.
_HTTP_DATES = (
    re.compile(rf"[A-Z][a-z]{{2}}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}}) {_TIME} GMT\Z"),
    re.compile(rf"[A-Z][a-z]+day, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{{2}})-(?P<year>\d\d) {_TIME} GMT\Z"),
    re.compile(rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})\Z"),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_retry_after(value: str | None, wall_now: float) -> float:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3): delay-seconds or an HTTP-date; else 0."""
    if value is None:
        return 0.0
    value = value.strip()
    if value.isascii() and value.isdigit():
        digits = value.lstrip("0")
        return float(digits or "0") if len(digits) <= _DIGITS else float("9" * _DIGITS)
    for form in _HTTP_DATES:
        if match := form.match(value):
            return max(0.0, _unix_time(match, wall_now) - wall_now)
    return 0.0


def _unix_time(date: re.Match[str], wall_now: float) -> float:
    """What a date means in Unix seconds; 0 for one that no calendar has."""
    from datetime import UTC, datetime

    year = int(date["year"])
    try:
        if len(date["year"]) == 2:
            # More than 50 years ahead means the past (RFC 9110 section 5.6.7).
            this_year = datetime.fromtimestamp(wall_now, UTC).year
            year += this_year - this_year % 100
            year -= 100 if year > this_year + 50 else 0
        month = _MONTHS.index(date["month"]) + 1
        moment = (int(date["hour"]), int(date["minute"]), min(int(date["second"]), 59))  # 60 is a leap second
        return datetime(year, month, int(date["day"]), *moment, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError, OSError):  # no such day, or a wall clock from another age
        return 0.0
