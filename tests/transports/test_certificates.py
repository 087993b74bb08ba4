"""Certificates on real sockets: the server's, which must verify, and the client's, which servers may ask for."""

from __future__ import annotations

import ssl

import pytest
import trustme

from helpers.backends import Backend
from helpers.servers import WebSocketServer, listen, send_and_stay
from helpers.tls import TlsListener, client_context, server_context
from holdfast import Backoff, Cause, ConnectFailed, GaveUp, RetryScheduled

VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def stranger() -> trustme.CA:
    """Another authority."""
    return trustme.CA()


async def why_it_gave_up(backend: Backend, url: str, **options) -> GaveUp:
    """Which must be after one dial."""
    async with backend.open_feed(url, **options) as feed:
        with pytest.raises(GaveUp) as caught:
            await anext(aiter(feed))
        assert feed.stats().dials == 1
    return caught.value


# The server's


@pytest.mark.parametrize(
    ("names", "expired", "trusted", "options", "telling"),
    [
        (["127.0.0.1"], False, False, {}, "unable to get local issuer certificate"),
        (["127.0.0.2"], False, True, {}, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        (
            ["feed.test"],
            False,
            True,
            {"server_name": "x.test"},
            "Hostname mismatch, certificate is not valid for 'x.test'",
        ),
        (["127.0.0.1"], True, True, {}, "certificate has expired"),
    ],
    ids=["unknown authority", "other address", "other name", "expired"],
)
def test_a_certificate_that_does_not_verify_is_final_and_the_text_says_why(
    backend: Backend, authority: trustme.CA, names, expired: bool, trusted: bool, options, telling: str
):
    with WebSocketServer(listen, tls=server_context(authority, *names, expired=expired)) as server:

        async def test() -> None:
            tls = client_context(authority) if trusted else None
            gave_up = await why_it_gave_up(backend, server.url, tls=tls, **options)
            assert gave_up.failure.cause is Cause.CERTIFICATE
            assert str(gave_up).startswith(f"certificate does not verify: {telling}")
            assert "give a TLS context" in gave_up.reason

        backend.run(test)


def test_another_name_may_be_asked_for(backend: Backend, authority: trustme.CA):
    with WebSocketServer(send_and_stay("hello"), tls=server_context(authority, "feed.test")) as server:

        async def test() -> None:
            tls = client_context(authority)
            async with backend.open_feed(server.url, tls=tls, server_name="feed.test") as feed:
                assert await anext(aiter(feed)) == "hello"

        backend.run(test)


# The client's


def asking_for_one(authority: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = server_context(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    context.minimum_version = context.maximum_version = version
    return context


@VERSIONS
def test_a_certificate_of_ours_is_shown(backend: Backend, authority: trustme.CA, version: ssl.TLSVersion):
    with WebSocketServer(send_and_stay("hello"), tls=asking_for_one(authority, version)) as server:

        async def test() -> None:
            tls = client_context(authority, certificate_of=authority)
            async with backend.open_feed(server.url, tls=tls) as feed:
                assert await anext(aiter(feed)) == "hello"

        backend.run(test)


@VERSIONS
def test_a_certificate_of_ours_that_the_server_does_not_trust_is_final(
    backend: Backend, authority: trustme.CA, stranger: trustme.CA, version: ssl.TLSVersion
):
    with TlsListener(asking_for_one(authority, version)) as server:

        async def test() -> None:
            tls = client_context(authority, certificate_of=stranger)
            gave_up = await why_it_gave_up(backend, f"wss://127.0.0.1:{server.port}/", tls=tls)
            assert gave_up.failure.cause is Cause.CLIENT_CERTIFICATE
            assert "unknown ca" in str(gave_up)
            assert "load_cert_chain" in gave_up.reason

        backend.run(test)
        assert server.refusals == ["CERTIFICATE_VERIFY_FAILED"]


def test_that_we_have_none_is_final_where_the_server_says_so(backend: Backend, authority: trustme.CA):
    """In TLS 1.3 our handshake is complete when the alert comes: it is the first that is read."""
    with TlsListener(asking_for_one(authority, ssl.TLSVersion.TLSv1_3)) as server:

        async def test() -> None:
            url = f"wss://127.0.0.1:{server.port}/"
            gave_up = await why_it_gave_up(backend, url, tls=client_context(authority))
            assert gave_up.failure.cause is Cause.CLIENT_CERTIFICATE
            assert "certificate required" in str(gave_up)
            assert "load_cert_chain" in gave_up.reason

        backend.run(test)
        assert server.refusals == ["PEER_DID_NOT_RETURN_A_CERTIFICATE"]


def test_that_we_have_none_is_a_guess_where_the_server_says_only_that_it_failed(
    backend: Backend, authority: trustme.CA
):
    """TLS 1.2 has one alert for this and for ciphers: so it is retried."""
    with TlsListener(asking_for_one(authority, ssl.TLSVersion.TLSv1_2)) as server:

        async def test() -> None:
            url = f"wss://127.0.0.1:{server.port}/"
            async with backend.open_feed(url, tls=client_context(authority), backoff=Backoff(initial=20)) as feed:
                items = feed.items()
                while not isinstance(failed := await anext(items), ConnectFailed):
                    pass
                assert failed.failure.cause is Cause.TLS
                assert "wants a client certificate" in str(failed.failure)
                assert isinstance(await anext(items), RetryScheduled)

        backend.run(test)
