"""Feeds through proxies on real sockets: HTTP CONNECT and SOCKS5, to services with and without TLS."""

from __future__ import annotations

import http
import logging
import sys
import traceback
from collections.abc import Callable

import pytest
import trustme
from websockets.datastructures import Headers
from websockets.http11 import Response

from helpers.backends import Backend
from helpers.proxies import SOCKS_NOT_ALLOWED, SOCKS_REFUSED, HttpProxy, Proxy, SocksProxy
from helpers.servers import WebSocketServer, echo, send_all, send_and_stay
from helpers.tls import client_context, server_context
from holdfast import (
    Backoff,
    Cause,
    Closed,
    ConfigError,
    Connected,
    ConnectFailed,
    Disconnected,
    Endpoint,
    GaveUp,
    InvalidURL,
    Item,
    RetryScheduled,
)

QUICK = Backoff(initial=0.001, maximum=0.01)
SLOW = Backoff(initial=30.0, maximum=30.0)
SECRET = "s3cret"
PROXIES = pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def first_failure(backend: Backend, url: str, **options) -> tuple[ConnectFailed, RetryScheduled | Closed]:
    """What the first dial comes to, and what is done about it."""
    async with backend.open_feed(url, backoff=SLOW, **options) as feed:
        items = feed.items()
        while not isinstance(item := await anext(items), ConnectFailed):
            pass
        then = await anext(items)
        assert isinstance(then, RetryScheduled | Closed)
        return item, then


@PROXIES
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("cuts", [False, True], ids=["whole", "cut"])
def test_the_proxy_looks_the_name_up_and_tls_is_with_the_service(
    backend: Backend, authority: trustme.CA, kind: type[Proxy], secure: bool, cuts: bool
):
    """The name is known to the proxy alone, and the certificate carries it."""
    tls = server_context(authority, "feed.test") if secure else None
    long = "x" * 300_000
    with WebSocketServer(echo, tls=tls) as server:
        with kind(names={"feed.test": ("127.0.0.1", server.port)}, cuts=cuts) as proxy:

            async def test() -> None:
                url = server.url.replace("127.0.0.1", "feed.test")
                options = {"tls": client_context(authority)} if secure else {}
                async with backend.open_feed(url, proxy=proxy.url, **options) as feed:
                    for message in ("short", long, b"bytes"):
                        await feed.send(message)
                        assert await anext(aiter(feed)) == message

            backend.run(test)
            assert proxy.asked == [("feed.test", server.port)]
    assert server.closed_with == [1000]


def test_with_socks5_we_look_the_name_up(backend: Backend):
    with WebSocketServer(send_and_stay("hello")) as server, SocksProxy() as proxy:

        async def test() -> None:
            url = server.url.replace("127.0.0.1", "localhost")
            async with backend.open_feed(url, proxy=proxy.url.replace("socks5h", "socks5")) as feed:
                assert await anext(aiter(feed)) == "hello"

        backend.run(test)
        assert proxy.asked == [("127.0.0.1", server.port)]


@PROXIES
def test_credentials_are_given_and_never_shown(backend: Backend, kind: type[Proxy], caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with WebSocketServer(send_all("a"), send_and_stay("b")) as server:
        with kind(credentials=("me@work", f"{SECRET}:/?#")) as proxy:

            async def test() -> None:
                url = proxy.url_for("me%40work", f"{SECRET}%3A%2F%3F%23")
                items: list[Item] = []
                async with backend.open_feed(server.url, proxy=url, backoff=QUICK) as feed:
                    async for item in feed.items():
                        items.append(item)
                        if item == "b":
                            break
                    assert SECRET not in repr(items) + repr(feed.stats())
                assert SECRET not in repr(Endpoint(server.url, proxy=url))

            backend.run(test)
            assert proxy.offered == [("me@work", f"{SECRET}:/?#")] * 2
            assert "connected" in caplog.text
            assert SECRET not in caplog.text


@PROXIES
@pytest.mark.parametrize("given", [("me", "wr0ng"), None], ids=["wrong", "none"])
def test_a_proxy_that_wants_other_credentials_is_final(
    backend: Backend, kind: type[Proxy], given: tuple[str, str] | None, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with kind(credentials=("me", SECRET)) as proxy:

        async def test() -> None:
            url = proxy.url_for(*given) if given else proxy.url
            async with backend.open_feed("ws://feed.test/", proxy=url) as feed:
                with pytest.raises(GaveUp, match=r"wants other credentials.*check user and password") as caught:
                    await anext(aiter(feed))
            assert caught.value.failure.cause is Cause.PROXY_AUTH
            assert f"127.0.0.1:{proxy.port}" in str(caught.value)
            trace = "".join(traceback.format_exception(caught.value))
            assert "wr0ng" not in trace

        backend.run(test)
        assert proxy.asked == []
        assert "wants other credentials" in caplog.text
        assert "wr0ng" not in caplog.text


def test_a_socks_proxy_that_accepts_no_way_of_authentication_is_final(backend: Backend):
    with SocksProxy(methods=False) as proxy:

        async def test() -> None:
            failed, then = await first_failure(backend, "ws://feed.test/", proxy=proxy.url_for("me", SECRET))
            assert failed.failure.cause is Cause.PROXY_AUTH
            assert isinstance(then, Closed)

        backend.run(test)


def says(line: str, *headers: str) -> Callable[[], Proxy]:
    return lambda: HttpProxy("\r\n".join([line, *headers, "", ""]).encode())


@pytest.mark.parametrize(
    ("make", "telling", "status", "final", "wait"),
    [
        (says("HTTP/1.1 403 Forbidden"), "HTTP 403 Forbidden", 403, True, 0),
        (says("HTTP/1.1 404 Not Found"), "HTTP 404 Not Found", 404, False, 0),
        (says("HTTP/1.0 502 Bad Gateway"), "HTTP 502 Bad Gateway", 502, False, 0),
        (says("HTTP/1.1 503 Busy", "Retry-After: 100"), "HTTP 503 Service Unavailable", 503, False, 100),
        (lambda: HttpProxy(b"SSH-2.0-OpenSSH\r\n\r\n"), "no valid HTTP", None, False, 0),
        (lambda: HttpProxy(b""), "hung up", None, False, 0),
        (lambda: HttpProxy(b"HTTP/1.1 200"), "hung up", None, False, 0),
        (says("HTTP/1.1 200 OK", "", "HTTP/1.1 400 Bad Request"), "more than its answer", None, False, 0),
        (lambda: HttpProxy(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), "no valid HTTP|longer", None, False, 0),
        (lambda: SocksProxy(SOCKS_REFUSED), "refused by destination", None, False, 0),
        (lambda: SocksProxy(SOCKS_NOT_ALLOWED), "not allowed", None, False, 0),
    ],
    ids=["403", "404", "502", "503", "no HTTP", "silence", "half", "too much", "endless", "socks 5", "socks 2"],
)
def test_a_proxy_that_refuses(backend: Backend, make, telling: str, status: int | None, final: bool, wait: float):
    with make() as proxy:

        async def test() -> None:
            failed, then = await first_failure(backend, "wss://feed.test/", proxy=proxy.url)
            assert (failed.failure.cause, failed.failure.status) == (Cause.PROXY, status)
            assert str(failed.failure).startswith(f"no way through the proxy: 127.0.0.1:{proxy.port}: ")
            assert any(told in str(failed.failure) for told in telling.split("|")), str(failed.failure)
            assert isinstance(then, Closed if final else RetryScheduled)
            if isinstance(then, RetryScheduled):
                assert wait < then.delay <= wait + 30

        backend.run(test)


@PROXIES
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_a_proxy_that_dies_in_the_middle_of_the_handshake(
    backend: Backend, authority: trustme.CA, kind: type[Proxy], secure: bool
):
    tls = server_context(authority, "127.0.0.1") if secure else None
    with WebSocketServer(echo, tls=tls) as server, kind(relays=20) as proxy:

        async def test() -> None:
            options = {"tls": client_context(authority)} if secure else {}
            failed, then = await first_failure(backend, server.url, proxy=proxy.url, **options)
            allowed = (Cause.TLS, Cause.RESET) if secure else (Cause.HANDSHAKE, Cause.RESET)
            assert failed.failure.cause in allowed
            assert isinstance(then, RetryScheduled)

        backend.run(test)


@PROXIES
def test_a_proxy_that_dies_under_an_open_feed_is_dialled_again(backend: Backend, kind: type[Proxy]):
    with WebSocketServer(send_and_stay("a"), send_and_stay("b")) as server, kind() as proxy:

        async def test() -> None:
            lost = []
            async with backend.open_feed(server.url, proxy=proxy.url, backoff=QUICK) as feed:
                async for item in feed.items():
                    if item == "a":
                        proxy.call(proxy.die())
                    elif isinstance(item, Disconnected):
                        lost.append(item.failure.cause)
                    elif item == "b":
                        break
            assert lost in ([Cause.EOF], [Cause.RESET])

        backend.run(test)
        assert len(proxy.asked) == 2


def test_an_endpoint_made_afresh_goes_through_its_proxy(backend: Backend):
    """It may be given for all that the function makes, or be made with the endpoint."""
    with WebSocketServer(send_and_stay("here")) as server, HttpProxy() as proxy:

        async def make_url() -> str:
            return server.url

        async def make_endpoint() -> Endpoint:
            return Endpoint(server.url, proxy=proxy.url)

        async def test() -> None:
            async with backend.open_feed(make_url, proxy=proxy.url) as feed:
                assert await anext(aiter(feed)) == "here"
            async with backend.open_feed(make_endpoint) as feed:
                assert await anext(aiter(feed)) == "here"

        backend.run(test)
        assert len(proxy.asked) == 2


def test_places_have_proxies_of_their_own(backend: Backend):
    """What cannot be reached through one may be reached through the next."""
    with WebSocketServer(send_and_stay("here")) as server, HttpProxy(b"") as broken, HttpProxy() as proxy:
        places = [Endpoint(server.url, proxy=broken.url), Endpoint(server.url, proxy=proxy.url)]

        async def test() -> None:
            async with backend.open_feed(places, backoff=QUICK) as feed:
                assert await anext(aiter(feed)) == "here"

        backend.run(test)
        assert len(proxy.asked) == 1


def test_a_redirect_keeps_the_proxy(backend: Backend):
    def redirect(connection, request) -> Response | None:
        if request.path == "/feed":
            return Response(307, http.HTTPStatus(307).phrase, Headers({"Location": "ws://other.test/there"}), b"")
        return None

    with WebSocketServer(send_and_stay("there"), process_request=redirect) as server:
        place = ("127.0.0.1", server.port)
        with HttpProxy(names={"feed.test": place, "other.test": place}) as proxy:

            async def test() -> None:
                async with backend.open_feed("ws://feed.test/feed", proxy=proxy.url) as feed:
                    assert await anext(aiter(feed)) == "there"

            backend.run(test)
            assert proxy.asked == [("feed.test", 80), ("other.test", 80)]


# The environment


def goes_through(through: Proxy, backend: Backend, url: str | Endpoint, **options) -> bool:
    """Whether a feed that is opened without a word about proxies goes through this one."""
    before = len(through.asked)

    async def test() -> None:
        async with backend.open_feed(url, **options) as feed:
            while not isinstance(await anext(feed.items()), Connected):
                pass

    backend.run(test)
    return len(through.asked) > before


@PROXIES
def test_the_environment_is_followed_unless_a_proxy_or_none_is_given(
    backend: Backend, kind: type[Proxy], monkeypatch: pytest.MonkeyPatch
):
    with WebSocketServer(echo) as server, kind() as proxy, HttpProxy() as other:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert goes_through(proxy, backend, server.url)
        assert goes_through(proxy, backend, Endpoint(server.url))
        assert not goes_through(proxy, backend, server.url, proxy=None)
        assert not goes_through(proxy, backend, Endpoint(server.url, proxy=None))
        assert goes_through(other, backend, server.url, proxy=other.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert not goes_through(proxy, backend, server.url)


def test_the_environment_is_asked_again_for_a_redirect(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    """The proxy that leads to one host need not lead to another."""

    def redirect(connection, request) -> Response | None:
        if request.path == "/feed":
            place = f"ws://localhost:{server.port}/there"
            return Response(302, http.HTTPStatus(302).phrase, Headers({"Location": place}), b"")
        return None

    with WebSocketServer(send_and_stay("there"), process_request=redirect) as server, HttpProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

        async def test() -> None:
            async with backend.open_feed(server.url) as feed:
                assert await anext(aiter(feed)) == "there"

        backend.run(test)
        assert proxy.asked == [("localhost", server.port)]


def test_a_failure_says_that_the_environment_named_the_proxy(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    with HttpProxy(b"") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)

        async def test() -> None:
            failed, _ = await first_failure(backend, "wss://feed.test/")
            told = f"no way through the proxy: 127.0.0.1:{proxy.port} (environment variable HTTPS_PROXY): hung up"
            assert str(failed.failure).startswith(told)

        backend.run(test)


def test_an_environment_that_went_bad_is_a_failure_of_the_proxy(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    with WebSocketServer(send_all("a")) as server:

        async def test() -> None:
            async with backend.open_feed(server.url, backoff=QUICK) as feed:
                async for item in feed.items():
                    if item == "a":
                        monkeypatch.setenv("HTTP_PROXY", f"ftp://me:{SECRET}@127.0.0.1")
                    if isinstance(item, ConnectFailed):
                        assert item.failure.cause is Cause.PROXY
                        assert "HTTP_PROXY" in str(item.failure)
                        assert SECRET not in str(item.failure)
                        break

        backend.run(test)


# Refused before anything is dialled


def test_a_url_of_a_proxy_that_cannot_work_is_refused(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    for bad in (f"ftp://me:{SECRET}@h:1", f"http://me:{SECRET}@", f"socks5://me:{SECRET}@h:99999", "h:3128"):
        with pytest.raises(InvalidURL, match=r"^proxy = ") as caught:
            backend.open_feed("ws://127.0.0.1/", proxy=bad)
        assert SECRET not in str(caught.value)
    monkeypatch.setenv("https_proxy", f"https://me:{SECRET}@h:1")
    with pytest.raises(InvalidURL, match="HTTPS_PROXY") as caught:
        backend.open_feed("ws://127.0.0.1/")
    assert SECRET not in str(caught.value)


def test_without_python_socks_an_error_says_what_to_install(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ConfigError, match=r"pip install 'holdfast\[proxy\]'") as caught:
        backend.open_feed("ws://127.0.0.1/", proxy=f"socks5h://me:{SECRET}@127.0.0.1:1080")
    assert SECRET not in str(caught.value)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ConfigError, match=r"127.0.0.1:1080 \(environment variable ALL_PROXY\).*pip install"):
        backend.open_feed("ws://127.0.0.1/")
    monkeypatch.setenv("NO_PROXY", "*")

    async def make() -> str:
        raise NotImplementedError

    with pytest.raises(ConfigError, match=r"pip install 'holdfast\[proxy\]'"):
        backend.open_feed(make, proxy="socks5://127.0.0.1:1080")
    backend.open_feed("ws://127.0.0.1/")
    backend.open_feed("ws://127.0.0.1/", proxy="http://127.0.0.1:3128")  # which needs it not
    backend.open_feed("ws://127.0.0.1/", proxy=None)
