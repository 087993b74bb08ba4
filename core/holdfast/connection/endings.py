"""What can end a connection from the server's side: what it means, and how it is answered."""

from __future__ import annotations

from holdfast.failures import Cause, Failure
from holdfast.wire import CloseFrame, Violation, close_payload

End = CloseFrame | Violation | Failure  # a Failure: the stream is gone


def failure_of(end: End) -> Failure:
    """What it means for the feed."""
    if isinstance(end, CloseFrame):
        return Failure(Cause.CLOSED, end.reason, code=end.code)
    if isinstance(end, Violation):
        return Failure(Cause.PROTOCOL, end.detail, code=end.code)
    return end


def answer_to(end: CloseFrame | Violation) -> bytes:
    """The payload of our close frame."""
    if isinstance(end, Violation):
        return close_payload(end.code, end.detail)
    return close_payload(None if end.code == 1005 else end.code)
