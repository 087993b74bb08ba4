"""What is known to be impossible before anything is dialled; and through which proxy a dial has to go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdfast.config import FeedConfig
from holdfast.endpoint import Endpoint
from holdfast.errors import ConfigError
from holdfast.fleet.bounds import check_room
from holdfast.proxy import Proxy, parse_proxy, proxy_of
from holdfast.source import Target


def check_config(config: FeedConfig, environ: Mapping[str, str]) -> None:
    """Raise ConfigError for what is known beforehand to be impossible: no room for all streams, an unusable proxy."""
    check_room(config)
    check_proxies(config.targets, environ)


def check_proxies(targets: Iterable[Target], environ: Mapping[str, str]) -> None:
    """Raises ConfigError where it is known beforehand that a proxy cannot be used."""
    for target in targets:
        if isinstance(target, Endpoint):
            usable_proxy(target, environ)
        elif isinstance(target.template.proxy, str):
            _check_extra(parse_proxy(target.template.proxy))


def usable_proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy through which a dial has to go, if any. Raises ConfigError if it cannot be used."""
    if (proxy := proxy_of(endpoint, environ)) is not None:
        _check_extra(proxy)
    return proxy


def _check_extra(proxy: Proxy) -> None:
    if not proxy.is_socks:
        return
    from importlib.util import find_spec

    if find_spec("python_socks") is None:
        raise ConfigError(f"{proxy.scheme}://{proxy.told} is a SOCKS proxy: pip install 'holdfast[proxy]'")
