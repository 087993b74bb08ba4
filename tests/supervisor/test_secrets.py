"""Passwords and tokens are in nobody's sight: not in events, logs, errors, tracebacks, settings or commands."""

from __future__ import annotations

import json
import ssl
import traceback
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import (
    Closed,
    ConfigError,
    Endpoint,
    FeedOptions,
    GaveUp,
    GiveUp,
    NewConnection,
    Notified,
    Retry,
    SubscriptionRefused,
)
from holdfast.failures import failure_of_dial
from holdfast.phrases import describe
from holdfast.testing.world import sleep

SECRET = "hunter2"
# `/ ? #` and white space in a password must be percent-encoded, or the URL has another meaning.
_AROUND = st.text(st.sampled_from("""aZ09-._~!$&'()*+,;=:@%"<>[]\\^`{|}é€\xa0\u2003😀"""), max_size=4)
_ENCODED = st.text(max_size=4).map(lambda text: quote(text.encode(errors="replace"), safe=""))
_SECRETS = st.one_of(_AROUND, _ENCODED).flatmap(
    lambda before: st.one_of(_AROUND, _ENCODED).map(lambda after: before + SECRET + after)
)
_NAMES = ("token", "listenKey", "api_key", "SIGNATURE", "X-Auth", "sessionid", "%74oken")


@st.composite
def secret_urls(draw: st.DrawFn) -> str:
    scheme, secret = draw(st.sampled_from(["ws", "wss"])), draw(_SECRETS)
    name = draw(st.sampled_from(_NAMES))
    in_field = secret.replace("&", "%26").replace('"', "%22")
    return draw(
        st.sampled_from(
            [
                f"{scheme}://user:{secret}@example.com/feed",
                f"{scheme}://{secret}@example.com:8443",
                f"{scheme}://example.com/feed?{name}={in_field}",
                f"{scheme}://example.com/feed?streams=a@b/c@d&{name}={in_field}&more=1",
                f"{scheme}://u:{secret}@example.com/?{name}={in_field}",
            ]
        )
    )


def fits(text: str, size: int) -> str:
    """As much of it as goes into so many bytes."""
    return text.encode()[:size].decode(errors="ignore")


def ascii_only(text: str) -> str:
    return quote(text, safe="".join(chr(char) for char in range(33, 127)))


def says(peer: Peer, url: str) -> None:
    peer.say_close(4001, fits(f"not for {url}", 123))


def answers(status: int, body: str = "", **headers: str) -> Callable[[str], World]:
    def world(url: str) -> World:
        named = {name.replace("_", "-"): ascii_only(value.format(url)) for name, value in headers.items()}
        return World(
            _OPTIONS, Manners(status=status, headers=named, body=body.replace("URL", url).encode()), source=url
        )

    return world


def dial_fails(error: Callable[[str], Exception]) -> Callable[[str], World]:
    return lambda url: World(_OPTIONS, Manners(dial_failure=failure_of_dial(error(url))), source=url)


def on_connect_raises(error: Callable[[str], Exception]) -> Callable[[str], World]:
    def world(url: str) -> World:
        async def on_connect(_: NewConnection) -> None:
            raise error(url)

        return World({**_OPTIONS, "on_connect": on_connect}, source=url)

    return world


def maker_raises(error: Callable[[str], Exception]) -> Callable[[str], World]:
    def world(url: str) -> World:
        async def maker() -> str:
            await sleep(0.25)
            raise error(url)

        return World(_OPTIONS, source=maker)

    return world


def maker_makes(made: Callable[[str], object], manners: Manners = Manners(status=401)) -> Callable[[str], World]:  # noqa: B008  # frozen
    def world(url: str) -> World:
        async def maker() -> object:
            return made(url)

        return World(_OPTIONS, manners, source=maker)  # type: ignore[arg-type]

    return world


def garbage(url: str) -> World:
    world = World(_OPTIONS, Manners(never_answers=True), source=url)
    world.later(0.25, lambda: world.peer.send_raw(f"{url}\r\n\r\n".encode()))
    return world


def closes(url: str) -> World:
    return World(_OPTIONS, Manners(on_open=lambda peer: says(peer, url)), source=url)


def violates(url: str) -> World:
    frame = b"\x83" + bytes([len(fits(url, 100).encode())]) + fits(url, 100).encode()
    return World(_OPTIONS, Manners(on_open=lambda peer: peer.send_raw(frame)), source=url)


_OPTIONS: FeedOptions = {"retry": Retry(max_policy_closes=2, max_attempts=4), "on_open": ["{'key': 'hunter2'}"]}
_ERRORS: list[Callable[[str], Exception]] = [
    lambda url: OSError(f"cannot connect to {url}"),
    lambda url: ConnectionResetError(104, url),
    lambda url: ValueError(url),
    lambda url: GiveUp(f"we are banned at {url!r}, for ever"),
    lambda url: ExceptionGroup(f"at {url}", [KeyError(url), GiveUp(url)]),
    lambda url: ValueError("x" * 480 + url),
]
FAILURES: dict[str, Callable[[str], World]] = {
    **{f"dial {index}": dial_fails(error) for index, error in enumerate(_ERRORS)},
    **{f"on_connect {index}": on_connect_raises(error) for index, error in enumerate(_ERRORS)},
    **{f"maker {index}": maker_raises(error) for index, error in enumerate(_ERRORS)},
    "TLS": dial_fails(lambda url: ssl.SSLError(1, f"wrong version number at {url}")),
    "certificate": dial_fails(lambda url: ssl.SSLCertVerificationError(1, f"{url} is not in the certificate")),
    "401": answers(401, "no entry to URL, sorry", Set_Cookie="session={}"),
    "401 in JSON": answers(401, json.dumps({"url": "URL", "error": "no"}), Location="{}"),
    "a page cut short": answers(403, "x" * 490 + " URL"),
    "503": answers(503, "URL", Retry_After="{}"),
    "a redirect to another host": answers(302, Location="wss://elsewhere/?next={}"),
    "a redirect that tells whence": answers(302, Location="wss://elsewhere/?next=wss%3A%2F%2Fme%3Ahunter2%40h%2F"),
    "a redirect with a fragment": answers(302, Location="wss://elsewhere/?a=b#token=hunter2"),
    "a redirect to the same": answers(307, Location="{}"),
    "a redirect that does not parse": answers(307, Location="{}:99999999"),
    "a redirect with another password": answers(307, Location="wss://me:hunter2@elsewhere/"),
    "another subprotocol": answers(101, Sec_WebSocket_Protocol="{}"),
    "a cookie": answers(101, Set_Cookie="session={}"),
    "garbage": garbage,
    "close": closes,
    "violation": violates,
    "healthy": lambda url: World(_OPTIONS, source=url),
    "made, and refused": maker_makes(lambda url: url),
    "made an endpoint": maker_makes(lambda url: Endpoint(url, headers=(("Authorization", "Bearer hunter2"),))),
    "made with a fragment": maker_makes(lambda url: f"{url}#"),
    "made with a secret fragment": maker_makes(lambda url: f"{url}#token=hunter2"),
    "made with a bad port": maker_makes(lambda url: url.replace("example.com", "example.com:port")),
    "made for another scheme": maker_makes(lambda url: url.replace("ws", "http", 1)),
    "made a list": maker_makes(lambda url: [url]),
    "made bytes": maker_makes(lambda url: url.encode()),
}


def shown_by(world: World) -> list[str]:
    """All that a user, or a log, could see of it."""
    events = world.observed
    shown = [text for event in events for text in (repr(event), str(event), describe(event))]
    for event in events:
        failure = getattr(event, "failure", None) or getattr(event, "cause", None)
        shown += [repr(failure), str(failure)]
        if isinstance(event, Closed) and event.failure is not None:
            error = GaveUp(event.failure, event.reason)
            shown += [str(error), repr(error), *traceback.format_exception(error)]
    shown += [f"{command!r} {command}" for _, command in world.commands]
    return [*shown, repr(world.config), repr(world.fleet.stats(world.now))]


def check(fails: Callable[[str], World], url: str) -> None:
    try:
        world = fails(url).start().run(20)
        world.close()
    except ConfigError as error:  # such a URL is refused at once
        shown = [str(error), repr(error), *traceback.format_exception(error)]
    else:
        shown = shown_by(world)
        assert world.observed
    for text in shown:
        assert SECRET not in text


@pytest.mark.parametrize("failure", FAILURES)
@given(url=secret_urls())
@example(url="ws://user:\u00a0&hunter2@example.com/feed")
@example(url='wss://user:"hunter2"@example.com/')
@example(url="wss://user:\xa0hunter2@example.com/")
@example(url="wss://example.com/?token=12&key=hunter2")
def test_no_failure_shows_a_secret(failure: str, url: str) -> None:
    check(FAILURES[failure], url)


def test_words_of_services_go_to_the_log_without_the_secrets_of_urls() -> None:
    assert describe(Notified(0.0, 1, "move to wss://u:hunter2@h/?token=hunter2 now", True)).endswith(
        "move to wss://***@h/?token=*** now"
    )
    assert SECRET not in describe(SubscriptionRefused(0.0, 1, "a@b", "not at wss://u:hunter2@h/"))
