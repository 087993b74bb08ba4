"""Failures: readable, and recognised from the exceptions that transports meet."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest

from holdfast import Cause, ConfigError, Failure
from holdfast.failures import CLOSE_NAMES, DialFailed, failure_of_dial, failure_of_stream


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("detail", ["", "the detail"])
def test_every_cause_reads_as_a_sentence(cause: Cause, detail: str) -> None:
    text = str(Failure(cause, detail, code=1001, status=503))
    assert len(text) > 4
    assert detail in text
    assert "Cause" not in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (Failure(Cause.DNS), "name not resolved"),
        (Failure(Cause.DNS, "h"), "name not resolved: h"),
        (Failure(Cause.HTTP, status=404), "HTTP 404 Not Found"),
        (Failure(Cause.HTTP, "go away", status=418), "HTTP 418 I'm a Teapot: go away"),
        (Failure(Cause.HTTP, status=799), "HTTP 799"),
        (
            Failure(Cause.HTTP, status=429, headers=(("retry-after", "7"),)),
            "HTTP 429 Too Many Requests, Retry-After: 7",
        ),
        (Failure(Cause.CLOSED, code=1001), "closed by the server: 1001 (going away)"),
        (Failure(Cause.CLOSED, "bye", code=4000), "closed by the server: 4000 'bye'"),
        (Failure(Cause.CLOSED, code=1005), "closed by the server: 1005 (no status received)"),
    ],
)
def test_failures_in_words(failure: Failure, text: str) -> None:
    assert str(failure) == text


def test_headers_are_found_in_any_case() -> None:
    failure = Failure(Cause.HTTP, headers=(("retry-after", "1"), ("Retry-After", "2")))
    assert failure.header("RETRY-AFTER") == "1"
    assert failure.header("location") is None


def test_every_registered_close_code_has_a_name() -> None:
    assert set(CLOSE_NAMES) == {*range(1000, 1004), *range(1005, 1016)}


def resolving(name: str) -> OSError:
    """The error of a lookup that needs no network."""
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo(name, "no such service")
    return caught.value


def refused() -> OSError:
    """The error of a loopback port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with socket.socket() as client, pytest.raises(ConnectionRefusedError) as caught:
            client.connect(bound.getsockname())
    return caught.value


def not_tls() -> ssl.SSLError:
    """What a TLS client says to a peer that speaks something else."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    incoming.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        tls.do_handshake()
    return caught.value


def tls(reason: str, text: str = "tls told") -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] {text} (_ssl.c:1006)")
    error.reason = reason
    return error


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


DIALS: list[tuple[Callable[[], BaseException], Cause]] = [
    (lambda: resolving("localhost"), Cause.DNS),
    (lambda: socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Cause.DNS),
    (refused, Cause.REFUSED),
    (not_tls, Cause.TLS),
    (lambda: ssl.SSLCertVerificationError(1, "certificate verify failed"), Cause.CERTIFICATE),
    (lambda: ssl.CertificateError("hostname mismatch"), Cause.CERTIFICATE),
    (lambda: ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), Cause.TLS),
    (lambda: tls("TLSV1_ALERT_PROTOCOL_VERSION"), Cause.TLS),
    (lambda: tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), Cause.TLS),
    (lambda: tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), Cause.CLIENT_CERTIFICATE),
    (lambda: tls("TLSV1_ALERT_UNKNOWN_CA"), Cause.CLIENT_CERTIFICATE),
    (lambda: tls("SSLV3_ALERT_BAD_CERTIFICATE"), Cause.CLIENT_CERTIFICATE),
    (lambda: tls("SSLV3_ALERT_CERTIFICATE_EXPIRED"), Cause.CLIENT_CERTIFICATE),
    (lambda: tls("TLSV1_ALERT_ACCESS_DENIED"), Cause.CLIENT_CERTIFICATE),
    (lambda: ConfigError("environment variable HTTP_PROXY: no"), Cause.PROXY),
    (lambda: DialFailed(Failure(Cause.PROXY_AUTH, "no")), Cause.PROXY_AUTH),
    (lambda: TimeoutError(), Cause.DIAL_TIMEOUT),
    (lambda: TimeoutError(110, "Connection timed out"), Cause.DIAL_TIMEOUT),
    (lambda: ConnectionResetError(104, "Connection reset by peer"), Cause.RESET),
    (lambda: ConnectionAbortedError(103, "aborted"), Cause.RESET),
    (lambda: BrokenPipeError(32, "Broken pipe"), Cause.RESET),
    (lambda: OSError(113, "No route to host"), Cause.REFUSED),
    (lambda: OSError(101, "Network is unreachable"), Cause.REFUSED),
    (lambda: OSError("Multiple exceptions: [Errno 111], [Errno 101]"), Cause.REFUSED),
    (lambda: ExceptionGroup("tried", [OSError(101, "net"), ConnectionRefusedError(111, "no")]), Cause.REFUSED),
    (lambda: ExceptionGroup("tried", [OSError(101, "net"), TimeoutError("slow")]), Cause.DIAL_TIMEOUT),
    (lambda: ExceptionGroup("a", [ExceptionGroup("b", [socket.gaierror(-2, "unknown")])]), Cause.DNS),
    (lambda: caused(OSError("all attempts failed"), ExceptionGroup("x", [refused()])), Cause.REFUSED),
    (lambda: caused(RuntimeError("broken"), ssl.SSLCertVerificationError(1, "no")), Cause.CERTIFICATE),
]


@pytest.mark.parametrize(("make", "cause"), DIALS)
def test_exceptions_while_dialling_are_recognised(make: Callable[[], BaseException], cause: Cause) -> None:
    failure = failure_of_dial(make())
    assert failure.cause is cause
    assert failure.detail


def test_the_detail_is_that_of_the_telling_error() -> None:
    error = caused(OSError("all attempts failed"), ExceptionGroup("tried", [socket.gaierror(-2, "unknown name")]))
    assert "unknown name" in failure_of_dial(error).detail


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionResetError(104, "reset"), Cause.RESET),
        (BrokenPipeError(32, "pipe"), Cause.RESET),
        (TimeoutError(110, "timed out"), Cause.RESET),
        (OSError(113, "No route to host"), Cause.RESET),
        (caused(RuntimeError("stream broke"), ConnectionResetError(104, "reset")), Cause.RESET),
        (ssl.SSLError(1, "bad record mac"), Cause.TLS),
        (tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), Cause.CLIENT_CERTIFICATE),
    ],
)
def test_exceptions_of_an_open_stream_are_recognised(error: BaseException, cause: Cause) -> None:
    failure = failure_of_stream(error)
    assert failure.cause is cause
    assert failure.detail


def test_the_detail_of_tls_is_what_went_wrong_and_not_where_in_the_library() -> None:
    assert failure_of_dial(tls("X", "alert so and so")).detail == "alert so and so"
    assert failure_of_dial(ssl.SSLEOFError(8, "EOF occurred (_ssl.c:9)")).detail == "the stream ended in the middle"
    assert failure_of_dial(OSError(111, "[no] reason (x)")).detail == "[Errno 111] [no] reason (x)"
    assert "does not seem to speak TLS" in failure_of_dial(not_tls()).detail


def test_the_detail_of_a_certificate_is_why_it_does_not_verify() -> None:
    error = ssl.SSLCertVerificationError(
        1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: why (_ssl.c:1)"
    )
    error.verify_message = "certificate has expired"
    assert str(failure_of_dial(error)) == "certificate does not verify: certificate has expired"


def test_the_end_of_an_open_stream_is_one_whether_tls_was_ended_before_or_not() -> None:
    error = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
    assert failure_of_stream(error) == Failure(Cause.EOF)
    assert failure_of_stream(caused(RuntimeError("broken"), error)) == Failure(Cause.EOF)


def test_an_error_without_text_is_named() -> None:
    assert failure_of_dial(TimeoutError()).detail == "TimeoutError"
