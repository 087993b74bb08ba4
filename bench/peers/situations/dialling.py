"""Servers that end connections, or refuse them: when does a client dial, and is its subscription there again?"""

from __future__ import annotations

from bench.peers.script import Ending, Script
from bench.peers.seen import Seen, count
from bench.peers.situations.base import Situation


def _dials(seen: Seen) -> str:
    return f"{seen.dials()} in {seen.finding['ended'] - seen.finding['begun']:.1f} s"


def _next_dial(seen: Seen) -> str:
    first, *later = (one["accepted"] for one in seen.connections)
    pauses = ", ".join(f"{dial - first:.1f} s" for dial in later) or "never"
    return f"next dial: {pauses}; {seen.life()}"


def _asked_again(seen: Seen) -> str:
    opened = seen.opened
    asked = sum(one["asked"] > 0 for one in opened)
    return f"asked on {asked} of {count(len(opened), 'connection')}; {seen.life()}; {seen.losses()}"


SITUATIONS = (
    Situation(
        name="accept-then-close",
        title="Server accepts, then closes",
        text="The server completes every handshake and closes at once, with code 1000. Counted: dials in two seconds.",
        cell=_dials,
        seconds=2.0,
        script=Script(endings=(Ending("close"),)),
        alone=True,
    ),
    Situation(
        name="retry-after",
        title="HTTP 429, Retry-After: 2",
        text="The first dial is refused with HTTP 429 and Retry-After: 2 (seconds); later ones are welcome. Counted: "
        "seconds from the first dial to the following ones, and whether messages came within eight seconds.",
        cell=_next_dial,
        seconds=8.0,
        script=Script(endings=(Ending("refuse", code=429, headers=(("Retry-After", "2"),)), Ending())),
    ),
    Situation(
        name="resubscribe",
        title="Three lost connections",
        text="The server sends nothing until it is asked, 100 messages a second then, and ends the first three "
        "connections after a second each: a close frame with 1012, the end of the stream, a reset. Counted: "
        "connections on which the client subscribed, and messages that were published meanwhile and never came. "
        "Whoever dials again at once loses least here, and dials most in the first row.",
        cell=_asked_again,
        seconds=12.0,
        script=Script(endings=(Ending("close", 1.0, 1012), Ending("eof", 1.0), Ending("reset", 1.0), Ending())),
    ),
)
