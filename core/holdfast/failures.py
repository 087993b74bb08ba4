"""What can end a connection, or keep it from opening: plain data, shared by transports and machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from enum import Enum
from typing import cast

from holdfast.errors import GiveUp, HoldfastError
from holdfast.masking import mask_urls
from holdfast.records import dataclass

# RFC 6455 section 7.4.1 and the registry it set up.
CLOSE_NAMES = {
    1000: "normal closure",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status received",
    1006: "abnormal closure",
    1007: "invalid payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    1015: "TLS failure",
}


class Cause(Enum):
    """The kind of a failure. The value is what logs and JSON show."""

    # While dialling; the transport knows these.
    DNS = "dns"
    REFUSED = "refused"
    DIAL_TIMEOUT = "dial_timeout"
    TLS = "tls"
    CERTIFICATE = "certificate"
    CLIENT_CERTIFICATE = "client_certificate"
    PROXY = "proxy"
    PROXY_AUTH = "proxy_auth"
    # During the opening handshake.
    HTTP = "http"
    HANDSHAKE = "handshake"
    # On an open connection.
    CLOSED = "closed"
    EOF = "eof"
    RESET = "reset"
    PROTOCOL = "protocol"
    PONG_TIMEOUT = "pong_timeout"
    NO_DATA = "no_data"
    STREAM_SILENT = "stream_silent"
    ROTATION = "rotation"
    SEQUENCE = "sequence"
    UNACKNOWLEDGED = "unacknowledged"
    WRITE_STUCK = "write_stuck"
    # Ours, and what the user's own functions came to.
    ENDPOINT = "endpoint"
    ON_CONNECT = "on_connect"
    RESYNC = "resync"
    DIAL_WINDOW = "dial_window"
    OVERFLOW = "overflow"


_PHRASES = {
    Cause.DNS: "name not resolved",
    Cause.REFUSED: "connection refused",
    Cause.DIAL_TIMEOUT: "not open in time",
    Cause.TLS: "TLS failed",
    Cause.CERTIFICATE: "certificate does not verify",
    Cause.CLIENT_CERTIFICATE: "the server wants another client certificate",
    Cause.PROXY: "no way through the proxy",
    Cause.PROXY_AUTH: "the proxy wants other credentials",
    Cause.HANDSHAKE: "invalid handshake",
    Cause.EOF: "connection ended without a close frame",
    Cause.RESET: "connection reset",
    Cause.PROTOCOL: "protocol violation by the server",
    Cause.PONG_TIMEOUT: "nothing received since our ping",
    Cause.NO_DATA: "no data",
    Cause.STREAM_SILENT: "a stream is silent",
    Cause.ROTATION: "not handed over in time",
    Cause.SEQUENCE: "the service's numbers skip",
    Cause.UNACKNOWLEDGED: "streams were not acknowledged",
    Cause.WRITE_STUCK: "the server does not read what we send",
    Cause.ENDPOINT: "no endpoint was made",
    Cause.ON_CONNECT: "on_connect failed",
    Cause.RESYNC: "no snapshot was fetched",
    Cause.OVERFLOW: "the consumer is too slow",
    Cause.DIAL_WINDOW: "the window of dials to this host is full",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection could not be opened, or ended.

    `detail` are the words of whoever knows more (the server's reason, an error's text), with the secrets of URLs
    masked. `code` is that of the WebSocket close frame (received for CLOSED, sent for PROTOCOL); `status`, `headers`
    and the first bytes of `body` belong to an HTTP answer (for PROXY and PROXY_AUTH to the proxy's answer to CONNECT),
    are as the server sent them, and not in the `repr`. `final`: the user's own function said that no retry can help,
    by raising GiveUp.
    """

    cause: Cause
    detail: str = ""
    code: int | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    final: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", mask_urls(self.detail))

    def header(self, name: str) -> str | None:
        """The first header of that name (any case) of the HTTP answer, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def __str__(self) -> str:
        if self.cause is Cause.HTTP:
            text = status_text(self.status)
            if retry_after := self.header("retry-after"):
                text += f", Retry-After: {mask_urls(retry_after)}"
            return f"{text}: {self.detail}" if self.detail else text
        if self.cause is Cause.CLOSED:
            text = f"closed by the server: {self.code}"
            if name := CLOSE_NAMES.get(self.code or 0):
                text += f" ({name})"
            return f"{text} {self.detail!r}" if self.detail else text
        text = _PHRASES[self.cause]
        return f"{text}: {self.detail}" if self.detail else text


def status_text(status: int | None) -> str:
    """An HTTP status in words."""
    from http import HTTPStatus

    try:
        return f"HTTP {status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return f"HTTP {status}"


class DialFailed(Exception):
    """Raised by a transport's dial when it knows itself what happened; `failure_of_dial` takes its word."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


_LONGEST_TEXT = 500  # characters of an error's

# By name, because the core imports neither socket nor ssl. The first that matches, most telling first.
_CAUSES_BY_NAME = (
    ("SSLCertVerificationError", Cause.CERTIFICATE),
    ("CertificateError", Cause.CERTIFICATE),
    ("SSLError", Cause.TLS),
    ("gaierror", Cause.DNS),
    ("herror", Cause.DNS),
    ("UnicodeError", Cause.DNS),  # a name that no resolver can be asked for
    ("TimeoutError", Cause.DIAL_TIMEOUT),
    ("ConnectionResetError", Cause.RESET),
    ("ConnectionAbortedError", Cause.RESET),
    ("BrokenPipeError", Cause.RESET),
    ("ConnectionRefusedError", Cause.REFUSED),
    ("OSError", Cause.REFUSED),
    ("ConfigError", Cause.PROXY),  # the environment names one for this dial that cannot be used
)
# The server's alerts about the certificate of its client (RFC 8446 section 6.2), as OpenSSL names them.
_ALERT_ABOUT_US = re.compile(r"ALERT_(.*CERTIFICATE.*|UNKNOWN_CA|ACCESS_DENIED)\Z")
# What OpenSSL's words mean, where they do not say it.
_NO_TLS = "the server does not seem to speak TLS here"
_MEANINGS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no cipher in common, or the server wants a client certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": "no version of TLS in common",
}


def failure_of_dial(error: BaseException) -> Failure:
    """What an exception raised while dialling (name lookup, TCP, TLS) means; for transports."""
    if isinstance(error, DialFailed):
        return error.failure
    return _classify(error, Cause.TLS)  # whatever else is raised comes of a TLS context that is none


def failure_of_stream(error: BaseException) -> Failure:
    """What an exception raised by an open stream means; for transports."""
    if any(type(one).__name__ == "SSLEOFError" for one in _causes(error)):
        return Failure(Cause.EOF)  # without close_notify; many servers end so
    failure = _classify(error, Cause.RESET)
    return Failure(Cause.RESET, failure.detail) if failure.cause in (Cause.REFUSED, Cause.DIAL_TIMEOUT) else failure


def failure_of_function(cause: Cause, error: Exception) -> Failure:
    """What it means that a function of the user's (`cause` says which) raised; for drivers.

    A GiveUp counts in a group too: that is what leaves a nursery or a task group in which it was raised.
    """
    leaves = list(_leaves(error))
    given_up = next((leaf for leaf in leaves if isinstance(leaf, GiveUp)), None)
    if given_up is not None:
        return Failure(cause, _text(given_up), final=True)
    return Failure(cause, told(leaves[0]))


def told(error: BaseException) -> str:
    """What the user's code raised, in one line: its name, its words without the secrets of URLs, and where it was."""
    text = _text(error)
    name = type(error).__name__
    words = text if text == name or isinstance(error, HoldfastError) else f"{name}: {text}"
    return words + _place(error)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The error, or what is in the group."""
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(member)
    else:
        yield error


def _place(error: BaseException) -> str:
    """Where in the user's code it was raised, or what it called raised it."""
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        made = code.co_filename.startswith("<")  # by a library, and no file of anybody's
        if not made and not step.tb_frame.f_globals.get("__name__", "").startswith("holdfast"):
            file = code.co_filename.replace("\\", "/").rpartition("/")[2]
            return f" ({file}, line {step.tb_lineno}, in {code.co_name})"
        step = step.tb_next
    return ""


def _classify(error: BaseException, default: Cause) -> Failure:
    chain = list(_causes(error))
    for name, cause in _CAUSES_BY_NAME:
        for one in chain:
            if any(cls.__name__ == name for cls in type(one).__mro__):
                if cause is Cause.TLS:
                    return _failure_of_tls(one)
                return Failure(cause, _text(one))
    return Failure(default, _text(chain[-1]))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came from, and the members of groups (several addresses tried), outermost first."""
    seen: set[int] = set()  # an error may name itself as its cause
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        members: tuple[BaseException, ...] = getattr(error, "exceptions", ())
        for member in members:
            yield from _causes(member)
        error = error.__cause__


def _failure_of_tls(error: BaseException) -> Failure:
    if type(error).__name__ == "SSLEOFError":
        return Failure(Cause.TLS, "the stream ended in the middle")
    reason = str(getattr(error, "reason", ""))
    if _ALERT_ABOUT_US.search(reason):
        return Failure(Cause.CLIENT_CERTIFICATE, _text(error))
    meaning = _MEANINGS.get(reason)
    return Failure(Cause.TLS, f"{_text(error)}: {meaning}" if meaning else _text(error))


def _text(error: BaseException) -> str:
    """One line; of OpenSSL's words, without where they were raised. Masked before it is cut: half a secret looks
    like none.
    """
    # Of a certificate that does not verify, only why.
    words = getattr(error, "verify_message", "") or str(error)
    if words.endswith(")") and " (_ssl.c:" in words:
        words = re.sub(r"^\[[A-Z]+(: \w+)?\] | \(_ssl\.c:\d+\)$", "", words)
    return " ".join(mask_urls(words).split())[:_LONGEST_TEXT] or type(error).__name__
