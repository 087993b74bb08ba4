"""Proxies: URLs taken apart, and the choice that the environment makes."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import ConfigError, Endpoint, FeedConfig, InvalidURL
from holdfast.config import FeedOptions
from holdfast.proxy import Proxy, parse_proxy, proxy_of
from holdfast.source import Source

ANY = {"all_proxy": "http://proxy:1"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", Proxy("http", "h", 80)),
        ("http://h:3128/", Proxy("http", "h", 3128)),
        ("HTTP://H.Example:8080", Proxy("http", "h.example", 8080)),
        ("socks5://h", Proxy("socks5", "h", 1080)),
        ("socks5h://[::1]:9050", Proxy("socks5h", "::1", 9050)),
        ("http://user:pass@10.0.0.1:3128", Proxy("http", "10.0.0.1", 3128, "user", "pass")),
        ("http://user@h", Proxy("http", "h", 80, "user")),
        ("http://a%40b:p%3A%2F%C3%BC@h", Proxy("http", "h", 80, "a@b", "p:/ü")),
        ("http://bücher.example:1", Proxy("http", "xn--bcher-kva.example", 1)),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: Proxy) -> None:
    assert parse_proxy(url) == expected


@pytest.mark.parametrize(
    ("url", "telling"),
    [
        ("", "must begin with"),
        ("h:3128", "must begin with"),
        ("ftp://me:s3cret@h", "must begin with"),
        ("https://me:s3cret@h", "must begin with"),
        ("socks4://me:s3cret@h", "must begin with"),
        ("http://", "no host"),
        ("http://me:s3cret@", "no host"),
        ("http://me:s3cret@:80", "no host"),
        ("http://me:s3cret@h:0", "port 0"),
        ("http://me:s3cret@h:65536", "port"),
        ("http://me:s3cret@h:http", "port"),
        ("http://me:s3cret@[::1", "IPv6"),
        ("http://me:s3/cret@h:1", "%2F"),
        ("http://me:s3cret@h:1/path", "end with the port"),
        ("http://me:s3cret@h:1?a=b", "end with the port"),
        ("http://me:s3cret@h:1#a", "end with the port"),
        ("http://me:s3cret@h 1", "white space"),
        ("http://me:s3cret@h\r\nX: y", "white space"),
        ("http://me:s3cret@h\ud800", "white space or control"),
        ("http://me:s3cret%ff@h", "UTF-8"),
        ("http://me:s3cret@a..b", "domain name"),
        ("http://me:s3cret@" + "a" * 64, "domain name"),
        ("socks5://me@h", "password"),
        ("socks5h://:s3cret@h", "user"),
        ("socks5://me:s3crét@h", "ASCII"),
        ("socks5://me:" + "s3cret" * 50 + "@h", "255"),
    ],
)
def test_a_bad_url_is_refused_without_its_secrets(url: str, telling: str) -> None:
    for make in (parse_proxy, lambda url: Endpoint("ws://h/", proxy=url)):
        with pytest.raises(ConfigError, match=telling) as caught:
            make(url)
        assert str(caught.value).startswith("proxy = ")
        assert "s3" not in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_url_is_taken_or_refused(rest: str) -> None:
    for prefix in ("", "http://", "socks5h://user:pass@h", "http://[::1]", "http://h:1"):
        try:
            proxy = parse_proxy(prefix + rest)
        except ConfigError:
            continue
        assert proxy.host.isascii()
        assert 0 < proxy.port < 65536


@pytest.mark.parametrize("wrong", [False, 1, b"http://h", ("h", 80)])
def test_a_proxy_is_a_url_none_or_true(wrong: object) -> None:
    with pytest.raises(ConfigError, match="must be a URL"):
        Endpoint("ws://h/", proxy=wrong)  # type: ignore[arg-type]


def test_nothing_shows_the_credentials() -> None:
    url = "http://me:s3cret@h:3128"
    assert "s3cret" not in repr(parse_proxy(url)) + str(parse_proxy(url))
    assert "s3cret" not in repr(Endpoint("ws://h/", proxy=url))
    assert "s3cret" not in repr(FeedConfig.build("ws://h/", {"proxy": url}))
    assert parse_proxy(url).address == "h:3128"


def test_basic_authentication_is_that_of_rfc_7617() -> None:
    def told(url: str) -> str | None:
        value = parse_proxy(url).authorization
        return value and b64decode(value.removeprefix("Basic ")).decode()

    assert told("http://h") is None
    assert told("http://me:p%C3%BC%3A@h") == "me:pü:"
    assert told("http://me@h") == "me:"


# The environment


def chosen(url: str, environ: dict[str, str]) -> str | None:
    """Whose turn it is; by the host of the proxy, so name that after the variable."""
    proxy = proxy_of(Endpoint(url), environ)
    return proxy and proxy.host


ALL = {f"{name}_proxy": f"http://{name}" for name in ("ws", "wss", "http", "https", "all")}


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ALL.items() if name.removesuffix("_proxy") not in names}


@pytest.mark.parametrize(
    ("environ", "plain", "secure"),
    [
        ({}, None, None),
        (ALL, "ws", "wss"),
        (without("ws", "wss"), "https", "https"),
        (without("ws", "wss", "https"), "http", "all"),
        (without("ws", "wss", "https", "http"), "all", "all"),
        (without("ws", "wss", "https", "all"), "http", None),
    ],
)
def test_the_most_telling_variable_decides(environ: dict[str, str], plain: str | None, secure: str | None) -> None:
    for environment in (environ, {name.upper(): value for name, value in environ.items()}):
        assert chosen("ws://h/", environment) == plain
        assert chosen("wss://h/", environment) == secure


def test_lower_case_wins_even_when_it_is_empty() -> None:
    assert chosen("ws://h/", {"ALL_PROXY": "http://upper", "all_proxy": "http://lower"}) == "lower"
    assert chosen("ws://h/", {"ALL_PROXY": "http://upper", "all_proxy": ""}) is None
    assert chosen("ws://h/", {"https_proxy": " ", "all_proxy": "http://all"}) == "all"
    assert chosen("ws://h/", {"all_proxy": "http://p", "NO_PROXY": "*", "no_proxy": ""}) == "p"


def test_a_cgi_script_does_not_take_a_header_for_its_proxy() -> None:
    assert chosen("ws://h/", {"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}) is None
    assert chosen("ws://h/", {"http_proxy": "http://good", "REQUEST_METHOD": "GET"}) == "good"


def test_a_bare_host_and_port_is_an_http_proxy() -> None:
    assert proxy_of(Endpoint("ws://h/"), {"http_proxy": "10.0.0.1:3128"}) == Proxy("http", "10.0.0.1", 3128)
    assert proxy_of(Endpoint("ws://h/"), {"http_proxy": "me:pw@p:3128"}) == Proxy("http", "p", 3128, "me", "pw")


def test_a_bad_variable_is_named_and_its_secrets_are_not() -> None:
    with pytest.raises(InvalidURL, match="environment variable HTTPS_PROXY") as caught:
        chosen("wss://h/", {"https_proxy": "https://me:s3cret@h:1"})
    assert "s3cret" not in str(caught.value)


def test_what_is_given_goes_before_the_environment() -> None:
    environ = {"all_proxy": "http://all", "no_proxy": "*"}
    assert proxy_of(Endpoint("ws://h/", proxy="http://mine"), environ) == Proxy("http", "mine", 80)
    assert proxy_of(Endpoint("ws://h/", proxy=None), {"all_proxy": "http://all"}) is None


@pytest.mark.parametrize(
    ("no_proxy", "direct", "through"),
    [
        ("", [], ["h", "localhost", "127.0.0.1", "[::1]"]),  # loopback is no exception of its own
        ("*", ["h", "127.0.0.1", "[::1]"], []),
        ("a, *", ["h"], []),
        ("example.com", ["example.com", "www.example.com", "EXAMPLE.com", "example.com."], ["badexample.com", "com"]),
        (".example.com", ["example.com", "www.example.com"], ["badexample.com"]),
        ("*.example.com", ["example.com", "www.example.com"], ["badexample.com"]),
        ("Example.COM.", ["example.com", "www.example.com"], ["example.org"]),
        ("a.test,b.test  c.test", ["a.test", "b.test", "c.test"], ["d.test"]),
        ("example.com:443", ["example.com:443", "www.example.com:443"], ["example.com:8443"]),
        ("*:8443", ["h:8443"], ["h:443"]),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.4", "110.1.2.3", "h"]),
        ("10.1.2.3:99", ["10.1.2.3:99"], ["10.1.2.3:98"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.1.2.3"]),
        ("10.1.2.3/8", ["10.9.9.9"], []),
        ("::1", ["[::1]"], ["[::2]"]),
        ("[::1]", ["[::1]", "[0:0:0:0:0:0:0:1]"], ["[::2]"]),
        ("[::1]:99", ["[::1]:99"], ["[::1]:98"]),
        ("fd00::/8", ["[fd12::1]"], ["[fe80::1]", "10.0.0.1"]),
        ("2.3", [], ["10.1.2.3", "2.3.4.5"]),
        (",,. ; /8 : *.", [], ["h", "10.0.0.1"]),
        ("h:" + "9" * 5000, [], ["h"]),
    ],
)
def test_no_proxy(no_proxy: str, direct: list[str], through: list[str]) -> None:
    environ = {**ANY, "no_proxy": no_proxy}
    assert [host for host in direct if chosen(f"wss://{host}", environ) is not None] == []
    assert [host for host in through if chosen(f"wss://{host}", environ) is None] == []


@given(st.text(max_size=40), st.sampled_from(["h", "10.0.0.1", "[::1]", "[fe80::1%25eth0]"]))
def test_any_no_proxy_is_understood_somehow(no_proxy: str, host: str) -> None:
    assert chosen(f"wss://{host}/", {**ANY, "no_proxy": no_proxy}) in ("proxy", None)


async def make_endpoint() -> str:
    raise NotImplementedError


@pytest.mark.parametrize("source", ["ws://h/", make_endpoint, ["ws://h/", make_endpoint]])
def test_a_feed_refuses_a_bad_proxy_before_anything_is_made(source: Source | list[Source]) -> None:
    with pytest.raises(ConfigError, match=r"^proxy = 'ftp://") as caught:
        FeedConfig.build(source, {"proxy": "ftp://me:s3cret@h"})
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("source", ["ws://h/", make_endpoint, ["ws://h/", make_endpoint]])
def test_a_feeds_settings_show_no_secrets(source: Source | list[Source]) -> None:
    options: FeedOptions = {"proxy": "http://me:s3cret@h", "headers": {"Authorization": "s3cret too"}}
    assert "s3" not in repr(FeedConfig.build(source, options))


def test_a_proxy_is_named_by_its_address_and_the_variable_it_comes_from() -> None:
    assert parse_proxy("http://me:s3cret@h:3128").told == "h:3128"
    proxy = proxy_of(Endpoint("wss://feed/"), {"HTTPS_PROXY": "socks5://me:s3cret@[::1]:9050"})
    assert proxy is not None
    assert proxy.told == "[::1]:9050 (environment variable HTTPS_PROXY)"
    assert "s3" not in repr(proxy)
