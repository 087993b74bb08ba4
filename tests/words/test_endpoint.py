"""URLs and what goes with them: taken apart rightly, refused clearly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import ConfigError, Endpoint, InvalidURL


@pytest.mark.parametrize(
    ("url", "secure", "host", "port", "target"),
    [
        ("ws://example.com", False, "example.com", 80, "/"),
        ("wss://example.com", True, "example.com", 443, "/"),
        ("WSS://Example.COM:8443/Path", True, "example.com", 8443, "/Path"),
        ("ws://[::1]:8080/x?y=z", False, "::1", 8080, "/x?y=z"),
        ("wss://[2001:db8::2]", True, "2001:db8::2", 443, "/"),
        ("ws://127.0.0.1:1/", False, "127.0.0.1", 1, "/"),
        ("ws://h:65535?a", False, "h", 65535, "/?a"),
        ("ws://h:/", False, "h", 80, "/"),
        ("wss://bücher.example/", True, "xn--bcher-kva.example", 443, "/"),
        ("ws://user:pass@h:81/", False, "h", 81, "/"),
        ("ws://h/%41?%42=%20", False, "h", 80, "/%41?%42=%20"),
    ],
)
def test_a_url_is_taken_apart(url: str, secure: bool, host: str, port: int, target: str) -> None:
    endpoint = Endpoint(url)
    assert (endpoint.secure, endpoint.host, endpoint.port, endpoint.target) == (secure, host, port, target)


@pytest.mark.parametrize(
    ("url", "telling"),
    [
        ("", "ws:// or wss://"),
        ("example.com", "ws:// or wss://"),
        ("http://example.com", "ws:// or wss://"),
        ("https://example.com", "ws:// or wss://"),
        ("ws://", "host"),
        ("wss:///path", "host"),
        ("ws://:80/", "host"),
        ("ws://user@:80/", "host"),
        ("ws://h:0/", "port 0"),
        ("ws://h:65536/", "ort"),
        ("ws://h:eighty/", "ort"),
        ("ws://h:-1/", "ort"),
        ("ws://h:8_0/", "ort"),
        ("ws://[::1/", "IPv6"),
        ("ws://[zz]/", "parse"),
        ("ws://h/#top", "fragment"),
        ("ws://h/#", "fragment"),
        ("ws://h/a b", "percent-encode"),
        (" ws://h/", "percent-encode"),
        ("ws://h/\r\nX: y", "percent-encode"),
        ("ws://h/\x7f", "percent-encode"),
        ("ws://ü" + "x" * 70 + "/", "domain name"),
        ("ws://h\u2100/", "parse"),
    ],
)
def test_a_bad_url_is_refused_and_the_error_says_what_is_wrong(url: str, telling: str) -> None:
    with pytest.raises(InvalidURL, match=telling):
        Endpoint(url)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_url_is_taken_or_refused(rest: str) -> None:
    for prefix in ("", "ws://", "wss://user:pass@h", "ws://h/", "ws://[::1]"):
        try:
            endpoint = Endpoint(prefix + rest)
        except InvalidURL:
            continue
        assert endpoint.host.isascii()
        assert endpoint.target.isascii()
        assert 0 < endpoint.port < 65536


@pytest.mark.parametrize("url", ["ws://h/\ud800", "ws://\ud800@h/"])
def test_a_lone_surrogate_is_refused_as_an_invalid_url(url: str) -> None:
    try:
        Endpoint(url)
    except InvalidURL:
        return
    except ValueError as error:
        pytest.fail(f"{type(error).__name__} instead of InvalidURL")


@pytest.mark.parametrize(
    "headers",
    [
        (("", "x"),),
        (("a b", "x"),),
        (("a:", "x"),),
        (("ä", "x"),),
        (("X", "a\r\nY: b"),),
        (("X", "a\x00"),),
        (("X", "ü"),),
        (("Host", "x"),),
        (("UPGRADE", "x"),),
        (("Connection", "x"),),
        (("Sec-WebSocket-Key", "x"),),
        (("Sec-WebSocket-Protocol", "x"),),
        (("Sec-WebSocket-Extensions", "x"),),
        (("Content-Length", "0"),),
        (("Transfer-Encoding", "chunked"),),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_by_name(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint("ws://h", headers=headers)
    assert repr(headers[0][0]) in str(caught.value)


def test_the_hint_for_the_subprotocol_header_names_the_setting() -> None:
    with pytest.raises(ConfigError, match="subprotocols="):
        Endpoint("ws://h", headers=(("Sec-WebSocket-Protocol", "v1"),))


@pytest.mark.parametrize("subprotocols", [("",), ("a b",), ("a,b",), ("ü",), ("a", "a")])
def test_bad_subprotocols_are_refused(subprotocols: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="subprotocol"):
        Endpoint("ws://h", subprotocols=subprotocols)


def test_a_tls_context_needs_a_secure_url() -> None:
    with pytest.raises(ConfigError, match="wss://"):
        Endpoint("ws://user:secret@h", tls=object())
    assert Endpoint("wss://h", tls=(context := object())).tls is context


# Secrets


SECRET = "hunter2"
SECRET_URLS = [
    f"wss://user:{SECRET}@h/",
    f"wss://{SECRET}@h/",
    f"wss://user:p%40{SECRET}@h:81/a?b=c",
    f"wss://user:a@{SECRET}@h/",
    *(f"wss://h/?{name}={SECRET}" for name in ("token", "api_key", "apiKey", "SIGNATURE", "sign", "password")),
    *(f"wss://h/?a=b&{name}={SECRET}&c=d" for name in ("listenKey", "secret", "access_token", "auth", "sessionid")),
]


@pytest.mark.parametrize("url", SECRET_URLS)
def test_secrets_are_not_shown(url: str) -> None:
    endpoint = Endpoint(url)
    for shown in (repr(endpoint), str(endpoint), f"{endpoint}", endpoint.safe_url, repr((endpoint,))):
        assert SECRET not in shown
        assert "h" in shown


def test_what_is_no_secret_is_shown() -> None:
    assert Endpoint("wss://u:p@h:8443/a?streams=x/y&token=t").safe_url == "wss://h:8443/a?streams=x/y&token=***"


@pytest.mark.parametrize("spoil", [("wss://", "http://"), ("@h", "@h:nonsense"), ("@h", "@h:0"), ("wss://", " wss://")])
@pytest.mark.parametrize("url", SECRET_URLS[:4])
def test_secrets_are_not_shown_by_errors_about_the_rest_of_the_url(url: str, spoil: tuple[str, str]) -> None:
    with pytest.raises(InvalidURL) as caught:
        Endpoint(url.replace(*spoil))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url", [url.replace("wss", "http") for url in SECRET_URLS] + [url + "#" for url in SECRET_URLS]
)
def test_secrets_in_the_query_are_not_shown_by_errors(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        Endpoint(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"ws://user:{SECRET}/word@host/",
        f"ws://user:word/{SECRET}@host/",
        f"ws://user:{SECRET}#word@host/",
        f"ws://user:12#{SECRET}@host/",
        f"user:{SECRET}@example.com/feed",
        f"wss:/user:{SECRET}@example.com/feed",
        f"wss:user:{SECRET}@example.com/feed",
    ],
)
def test_secrets_in_malformed_urls_are_not_shown_by_errors(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        Endpoint(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", [f"{SECRET}@example.com/feed", f"{SECRET}:word@example.com/feed"])
def test_a_token_as_user_name_is_not_shown_where_the_scheme_is_missing(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        Endpoint(url)
    assert SECRET not in str(caught.value)


def test_a_percent_encoded_name_does_not_show_its_secret() -> None:
    assert SECRET not in Endpoint(f"wss://h/?%74oken={SECRET}").safe_url


def test_headers_may_be_a_mapping_or_pairs_from_anywhere() -> None:
    pairs = (("X-One", "1"), ("X-Two", "2"))
    for headers in (dict(pairs), list(pairs), iter(pairs), (list(pair) for pair in pairs)):
        assert Endpoint("ws://h", headers=headers).headers == pairs  # type: ignore[arg-type]


@pytest.mark.parametrize("headers", [5, None, "ab", ["ab"], {"ab": "secret"}.keys(), [("a", "b", "c")]])
def test_what_are_no_headers_is_refused(headers: Any) -> None:
    with pytest.raises(ConfigError, match="give a dict, or a list of pairs"):
        Endpoint("ws://h", headers=headers)


@pytest.mark.parametrize(
    ("arguments", "telling"),
    [
        ({"url": 5}, "a URL is text, and this is int"),
        ({"url": b"ws://h"}, "a URL is text, and this is bytes"),
        ({"url": "ws://h", "subprotocols": "mqtt"}, "give a list"),
        ({"url": "ws://h", "subprotocols": 5}, "give a list"),
        ({"url": "wss://h", "tls": True}, "ssl.SSLContext"),
        ({"url": "wss://h", "tls": "x"}, "ssl.SSLContext"),
    ],
)
def test_what_is_of_another_type_is_refused(arguments: Any, telling: str) -> None:
    with pytest.raises(ConfigError, match=telling):
        Endpoint(**arguments)
