"""Which proxy leads to an endpoint: the one that was given, or that of the environment, which is handed in."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from holdfast.errors import ConfigError, InvalidURL
from holdfast.records import dataclass

if TYPE_CHECKING:
    from holdfast.endpoint import Endpoint

_DEFAULT_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}
# The first that is set decides. The order is that of `websockets`, so a proxy for HTTPS, which has to offer CONNECT,
# goes before one for HTTP; ALL_PROXY is last, as for curl and httpx.
_VARIABLES = {
    True: ("wss_proxy", "https_proxy", "all_proxy"),
    False: ("ws_proxy", "https_proxy", "http_proxy", "all_proxy"),
}
_GIVEN = "proxy"  # the argument of that name
_MAX_SOCKS_CREDENTIAL = 255  # bytes (RFC 1929 section 2)
_HOST_AND_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*)):(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, taken apart. `scheme` is http, socks5 (we look the service's name up) or socks5h (the proxy does)."""

    scheme: str
    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    setting: str = field(default=_GIVEN, compare=False)  # what names it

    @property
    def is_socks(self) -> bool:
        return self.scheme != "http"

    @property
    def address(self) -> str:
        """Host and port, for people: without the credentials."""
        return host_and_port(self.host, self.port)

    @property
    def told(self) -> str:
        """The address, and who named it where that is not plain to see; for people."""
        return self.address if self.setting == _GIVEN else f"{self.address} ({self.setting})"

    @property
    def authorization(self) -> str | None:
        """The value of Proxy-Authorization (RFC 7617), or None."""
        if self.username is None:
            return None
        return "Basic " + b64encode(f"{self.username}:{self.password or ''}".encode()).decode("ascii")


def host_and_port(host: str, port: int) -> str:
    """As in a URL: IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_proxy(setting: object) -> None:
    """Raise InvalidURL or ConfigError for what no endpoint can have as its `proxy`."""
    if isinstance(setting, str):
        parse_proxy(setting)
    elif setting is not None and setting is not True:
        raise ConfigError(
            f"proxy is {type(setting).__name__}: must be a URL such as 'http://user:password@host:8080', "
            "None to connect directly, or True for what the environment says"
        )


def parse_proxy(url: str, setting: str = _GIVEN) -> Proxy:
    """Take a proxy's URL apart. Raises InvalidURL or ConfigError, which name the setting and no credentials."""
    shown = f"{setting} = {_mask(url)!r}"
    parts = _split(url, shown)
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidURL(f"{shown}: must begin with http://, socks5:// or socks5h://; proxy=None connects directly")
    if not parts.hostname:
        raise InvalidURL(f"{shown}: names no host")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidURL(f"{shown}: must end with the port; in a password / ? # @ are written %2F %3F %23 %40")
    try:
        host = parts.hostname.encode("idna").decode("ascii")
        username = None if parts.username is None else unquote(parts.username, errors="strict")
        password = None if parts.password is None else unquote(parts.password, errors="strict")
    except UnicodeError:
        raise InvalidURL(f"{shown}: the host is no domain name, or an escape in the credentials is not UTF-8") from None
    if parts.scheme != "http" and username is not None:
        _check_socks_credentials(username, password or "", shown)
    return Proxy(parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme], username, password, setting)


def proxy_of(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for a dial, or None for a direct one. Raises InvalidURL or ConfigError for one that cannot be used."""
    if endpoint.proxy is None:
        return None
    if isinstance(endpoint.proxy, str):
        return parse_proxy(endpoint.proxy)
    return _from_environment(environ, endpoint)


def _from_environment(environ: Mapping[str, str], endpoint: Endpoint) -> Proxy | None:
    for name in _VARIABLES[endpoint.secure]:
        if url := _variable(environ, name):
            if _is_excepted(_variable(environ, "no_proxy"), endpoint.host, endpoint.port):
                return None
            # curl and httpx take a bare host and port, too.
            return parse_proxy(url if "://" in url else f"http://{url}", f"environment variable {name.upper()}")
    return None


def _variable(environ: Mapping[str, str], name: str) -> str:
    """Either case; lower case wins, even empty."""
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        # A CGI script finds a client's "Proxy:" header in HTTP_PROXY (CVE-2016-1000110).
        return environ.get(name, "").strip()
    return environ.get(name, environ.get(name.upper(), "")).strip()


def _is_excepted(no_proxy: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY speaks of this host: `*`, a domain and all below it, an address, or a network.

    Entries stand between commas or white space, and may end with a port. Loopback is no exception of its own: nor is
    it for curl, httpx and `websockets`.
    """
    host = host.rstrip(".")
    for entry in re.split(r"[\s,]+", no_proxy.lower()):
        name = entry
        if match := _HOST_AND_PORT.match(entry):
            if match[3] != str(port):
                continue
            name = match[1] or match[2]
        domain = name.removeprefix("*.").strip(".")
        if name == "*" or host == domain or _is_within(host, name):
            return True
        if domain and host.endswith(f".{domain}") and not _is_address(host):
            return True
    return False


def _is_within(host: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network.strip("[]"), strict=False)
    except ValueError:  # one of them is a name
        return False


def _is_address(host: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _split(url: str, shown: str) -> SplitResult:
    if not url.isprintable() or " " in url:
        raise InvalidURL(f"{shown}: holds white space or control characters: percent-encode them")
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            raise InvalidURL(f"{shown}: has port 0, which cannot be dialled")
    except InvalidURL:
        raise
    except ValueError:  # its text may show a part of a password
        raise InvalidURL(
            f"{shown}: does not parse: check the port and the brackets of IPv6; "
            "in a password / ? # @ must be written %2F %3F %23 %40"
        ) from None
    return parts


def _check_socks_credentials(username: str, password: str, shown: str) -> None:
    """RFC 1929 counts bytes and names no encoding; what is ASCII every proxy reads alike."""
    for what, value in (("user", username), ("password", password)):
        if not value or not value.isascii() or len(value) > _MAX_SOCKS_CREDENTIAL:
            raise ConfigError(
                f"{shown}: the {what} of a SOCKS proxy must be 1 to {_MAX_SOCKS_CREDENTIAL} ASCII characters"
            )


def _mask(url: str) -> str:
    """Without what is, or could be, user-info."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, _ = head.partition("://")
    return f"{scheme + slashes if slashes else ''}***@{tail}" if at else tail
