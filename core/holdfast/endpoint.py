"""Where to dial: a URL taken apart, and what goes with it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, Literal, cast
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from holdfast.errors import ConfigError, InvalidURL
from holdfast.masking import SECRET_NAME, mask_bad_url, mask_field, mask_urls
from holdfast.proxy import check_proxy, host_and_port
from holdfast.records import dataclass

_DEFAULT_PORTS = {"ws": 80, "wss": 443}
# RFC 9110 section 5.6.2 (token) and 5.5 (field values).
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(r"(?![\t ])[\t\x20-\x7e]*(?<![\t ])\Z")
_OURS = frozenset(
    {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"}
    | {"sec-websocket-extensions", "content-length", "transfer-encoding"}
)
_CREDENTIAL = re.compile(rf"{SECRET_NAME.pattern}|cookie", re.IGNORECASE)  # a header that another host must not see
# What may stand unescaped in a request target (RFC 3986 section 3.3 and 3.4); "%" keeps escapes that are there.
_TARGET_SAFE = "/?:@!$&'()*+,;=-._~%[]|"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place a feed can dial: a ws:// or wss:// URL, extra request headers, subprotocols, TLS, a proxy.

    `headers` (a mapping will do, too) are sent with the opening handshake, in order. User-info in the URL becomes basic
    authentication. `tls` is an `ssl.SSLContext`; None means the system's trust. `server_name` is the name in SNI and
    the one that the certificate must carry; None means the URL's host. `proxy` is the URL of a proxy (http://,
    socks5://, or socks5h:// where the proxy looks names up), None for a direct connection, or True for what the
    environment says.
    `repr` and `safe_url` hide user-info and secrets.

    Raises InvalidURL or ConfigError for what no handshake could carry.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()
    tls: Any = None
    server_name: str | None = None
    proxy: str | Literal[True] | None = True
    secure: bool = field(init=False)
    host: str = field(init=False)
    port: int = field(init=False)
    target: str = field(init=False)
    safe_url: str = field(init=False)
    authorization: str | None = field(init=False)

    def __post_init__(self) -> None:
        if self.server_name is not None and not isinstance(self.server_name, str):
            raise ConfigError(f"server_name = {self.server_name!r}: must be a host name, or None for the URL's")
        check_proxy(self.proxy)
        parts = _split(self.url)
        secure = parts.scheme == "wss"
        if self.tls is not None and not secure:
            raise ConfigError(f"a TLS context was given for {_mask(parts)}: use a wss:// URL, or leave it out")
        if isinstance(self.tls, str | bytes | int | float):
            raise ConfigError(f"tls = {self.tls!r}: must be an ssl.SSLContext, or None for the system's trust")
        put = object.__setattr__
        put(self, "headers", pairs_of(self.headers))
        check_headers(self.headers)
        put(self, "subprotocols", check_subprotocols(self.subprotocols))
        put(self, "secure", secure)
        put(self, "host", _host(parts))
        put(self, "port", parts.port or _DEFAULT_PORTS[parts.scheme])
        put(self, "target", _target(parts))
        put(self, "safe_url", _mask(parts))
        put(self, "authorization", _basic(parts))

    @property
    def authority(self) -> str:
        """The value of the Host header: IPv6 in brackets, the port only where it is not the scheme's own."""
        default = _DEFAULT_PORTS["wss" if self.secure else "ws"]
        return host_and_port(self.host, self.port).removesuffix(f":{default}")

    def redirected(self, location: str) -> Endpoint:
        """The endpoint that an HTTP redirect to `location` leads to.

        Never from wss to ws. Credentials (user-info, Authorization, Cookie, headers with names such as X-API-Key) go to
        no other host or port. Raises InvalidURL.
        """
        try:
            absolute = urljoin(_as_http(self.url), _as_http(location.strip())).partition("#")[0]
        except ValueError:  # its text may show a part of a password
            raise InvalidURL(f"redirect to {mask_bad_url(location)!r}, which does not parse") from None
        base = _split(_as_ws(absolute))
        if self.secure and base.scheme != "wss":
            raise InvalidURL(f"a redirect from wss to {_mask(base)} would give up encryption")
        target = replace(self, url=base.geturl())
        if target.host == self.host and (target.port == self.port or self._upgraded_by(target)):
            given = {name.lower() for name, _ in self.headers}
            if target.authorization is None and self.authorization is not None and "authorization" not in given:
                headers = (*self.headers, ("Authorization", self.authorization))
                return replace(target, headers=headers)
            return target
        kept = tuple((name, value) for name, value in self.headers if not _CREDENTIAL.search(name))
        return replace(target, headers=kept, server_name=None)

    def _upgraded_by(self, target: Endpoint) -> bool:
        """From ws to wss, each on its own port: the same server, over a better road."""
        return (self.port, target.port) == (80, 443) and not self.secure and target.secure

    def __repr__(self) -> str:
        return f"Endpoint({self.safe_url!r})"

    __str__ = __repr__


def pairs_of(headers: object) -> tuple[tuple[str, str], ...]:
    """Headers given as a mapping, or as pairs. Raises ConfigError for what is neither."""
    given = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    try:
        listed = list(cast("Iterable[tuple[str, str]]", given))
        if any(isinstance(pair, str) for pair in listed):  # "ab" would pass for a pair
            raise TypeError
        return tuple((name, value) for name, value in listed)
    except (TypeError, ValueError):
        raise ConfigError("headers: give a dict, or a list of pairs (name, value)") from None


def check_subprotocols(given: object) -> tuple[str, ...]:
    """As a tuple. Raises ConfigError for what cannot be offered."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(f"subprotocols = {given!r}: give a list, such as subprotocols=['graphql-transport-ws']")
    names = tuple(cast("Iterable[str]", given))
    for name in names:
        if not isinstance(cast(object, name), str) or not _TOKEN.match(name):
            raise ConfigError(
                f"subprotocol {name!r} is not a token: letters, digits and -._ are (RFC 6455 section 4.1)"
            )
    if len(set(names)) != len(names):
        raise ConfigError(f"subprotocols {names!r} repeat a name (RFC 6455 section 4.1)")
    return names


def check_headers(headers: tuple[tuple[str, str], ...]) -> None:
    """Raise ConfigError for a header that cannot be sent, or that the handshake itself must write."""
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str):
            # The value is not shown: it may be a credential.
            raise ConfigError(f"header {name!r} of {type(value).__name__} in headers: names and values must be str")
        if not _TOKEN.match(name):
            raise ConfigError(f"header name {name!r} is not a token (RFC 9110 section 5.1)")
        if name.lower() in _OURS:
            hint = "use subprotocols=" if "protocol" in name.lower() else "leave it out"
            raise ConfigError(f"header {name!r} is written by the handshake itself: {hint}")
        if not _VALUE.match(value):
            raise ConfigError(
                f"the value of header {name!r} holds what a header cannot carry: white space around it, "
                f"control characters, or others than ASCII"
            )


def _split(url: str) -> SplitResult:
    if not isinstance(cast(object, url), str):
        raise InvalidURL(f"a URL is text, and this is {type(url).__name__}")
    if any(char <= " " or char == "\x7f" for char in url):
        raise InvalidURL(f"URL {mask_bad_url(url)!r} holds white space or control characters: percent-encode them")
    try:
        url.encode()
        parts = urlsplit(url)
        port = parts.port
    except UnicodeEncodeError:
        raise InvalidURL(f"URL {mask_bad_url(url)!r} holds half a character: percent-encode it") from None
    except ValueError:  # its text may show a part of a password
        raise InvalidURL(
            f"URL {mask_bad_url(url)!r} does not parse: check the port and the brackets of IPv6; "
            "in a password / ? # @ must be written %2F %3F %23 %40"
        ) from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidURL(f"URL {mask_bad_url(url)!r} must begin with ws:// or wss://")
    if not parts.hostname:
        raise InvalidURL(f"URL {mask_bad_url(url)!r} names no host")
    if port == 0:
        raise InvalidURL(f"URL {mask_bad_url(url)!r} has port 0, which cannot be dialled")
    if "#" in url:
        raise InvalidURL(f"URL {mask_bad_url(url)!r} has a fragment; a WebSocket URL has none (RFC 6455 section 3)")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidURL(f"host {host!r} is not a valid domain name: {error}") from None


def _target(parts: SplitResult) -> str:
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return quote(target, safe=_TARGET_SAFE)


def _basic(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
    return "Basic " + b64encode(pair).decode("ascii")


def _mask(parts: SplitResult) -> str:
    netloc = parts.netloc.rpartition("@")[2]
    fields = mask_urls(parts.query).split("&")  # first whole: a URL in a value may hold an & in its user-info
    query = "&".join(map(mask_field, fields)) if parts.query else ""
    # A URL may stand in another one's query.
    return mask_urls(parts._replace(netloc=netloc, query=query).geturl())


def _as_http(url: str) -> str:
    """For urljoin, which resolves references for the schemes it knows; ws is not among them."""
    return re.sub(r"^ws(s?)://", r"http\1://", url)


def _as_ws(url: str) -> str:
    return re.sub(r"^http(s?)://", r"ws\1://", url, flags=re.IGNORECASE)
