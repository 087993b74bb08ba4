"""A fleet in each situation it can be in, made afresh on every call."""

from __future__ import annotations

import math
from collections.abc import Callable

from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import (
    Backoff,
    Cause,
    DialWindow,
    Failure,
    FeedOptions,
    Keepalive,
    Limits,
    NewConnection,
    Retry,
    Staleness,
    Timeouts,
)
from holdfast.testing.world import sleep

CLOSE_TIMEOUT = 3.0
_SILENT = Manners(answers_close=False, ends_stream=False, answers_pings=False)
_OPTIONS: FeedOptions = {
    "keepalive": Keepalive(2, 2),
    "staleness": Staleness(after=5, reconnect=True),
    "backoff": Backoff(2, 2, 8, jitter=0),
    "timeouts": Timeouts(connect=4, close=CLOSE_TIMEOUT),
    "limits": Limits(max_queue_size=500),
    "on_open": ["subscribe"],
}


def _world(*manners: Manners, retry: Retry = Retry(), **options: object) -> World:  # noqa: B008  # frozen
    return World({**_OPTIONS, "retry": retry, **options}, [*manners, Manners()])  # type: ignore[typeddict-item]


def _started(manners: Manners) -> World:
    return _world(manners).start().run(0.25)


def _half_read() -> World:
    world = _world().open()
    world.peer.send_raw(b"\x01\x03abc\x80\x05de")
    return world.run(0.25)


def _paused() -> World:
    world = _world().open()
    world.consume(False)
    world.peer.send("x" * 500)
    return world.run(0.5)


def _drained() -> World:
    world = _paused()
    world.fleet.take_items()
    return world


def _lingering(retry: Retry = Retry()) -> World:  # noqa: B008  # frozen
    world = _world(_SILENT, retry=retry).open()
    world.peer.send_raw(b"\xff\xff")
    return world.run(0.25)


async def _never_made() -> str:
    await sleep(math.inf)
    raise AssertionError


async def _made() -> str:
    return "ws://made/"


async def _never_done(_: NewConnection) -> None:
    await sleep(math.inf)


def _making() -> World:
    return World(_OPTIONS, [Manners()], source=_never_made).start().run(0.25)


def _made_and_the_window_full() -> World:
    options: FeedOptions = {**_OPTIONS, "dial_window": DialWindow(1, 10)}
    return World(options, [Manners(dial_failure=Failure(Cause.REFUSED)), Manners()], source=_made).start().run(2.25)


def _greeting(begin: Callable[[Peer], None] = lambda _: None) -> World:
    return _world(Manners(on_open=begin), on_connect=_never_done).start().run(0.25)


def _last_words(end: Callable[[Peer], None]) -> Callable[[Peer], None]:
    def say(peer: Peer) -> None:
        peer.send("last words")
        end(peer)

    return say


def _closed(world: World) -> World:
    world.close()
    return world.run(0.25)


SITUATIONS: dict[str, Callable[[], World]] = {
    "idle": _world,
    "dialling": lambda: _started(Manners(never_dials=True)),
    "handshake": lambda: _started(Manners(never_answers=True)),
    "making the endpoint": _making,
    "made, and the window full": _made_and_the_window_full,
    "greeting": _greeting,
    "greeting, messages waiting": lambda: _greeting(lambda peer: peer.send("one", b"two")),
    "greeting, reading paused": lambda: _greeting(lambda peer: peer.send("x" * 500)),
    "greeting, the close frame waiting": lambda: _greeting(_last_words(lambda peer: peer.say_close(4001))),
    "greeting, the end of the stream waiting": lambda: _greeting(_last_words(lambda peer: peer.hang_up())),
    "open": lambda: _started(Manners()),
    "a message half read": _half_read,
    "a ping unanswered": lambda: _started(_SILENT).run(2),
    "paused": _paused,
    "drained": _drained,
    "waiting": lambda: _started(Manners(dial_failure=Failure(Cause.REFUSED))),
    "waiting, the last one lingering": _lingering,
    "open, the last one lingering": lambda: _lingering().run(2),
    "closing": lambda: _closed(_world(_SILENT).open()),
    "closed": lambda: _closed(_world().open()),
    "closed before the start": lambda: _closed(_world()),
    "given up": lambda: _started(Manners(status=404)),
    "given up, the last one lingering": lambda: _lingering(Retry(max_attempts=1)),
}
