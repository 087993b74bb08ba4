"""Consumers that are slower than the feed, for ever or for a while, and a loop that does not run."""

from __future__ import annotations

from functools import partial

from bench.peers.consumers import BlocksOnce, Slow, StuckOnce
from bench.peers.script import Script
from bench.peers.seen import MIB, Seen, count
from bench.peers.situations.base import Situation
from bench.peers.wanted import Wanted

QUEUE_BYTES = 4 * MIB
SIZE = 1000
PING = (2.0, 2.0)
SECONDS = 20.0


def _survives(seen: Seen) -> str:
    return f"{seen.kept()}; {seen.dials()}; {seen.losses()}; {seen.life()}; {seen.memory()}"


def _at_the_bound(seen: Seen) -> str:
    dropped = seen.account["dropped"]
    by_its_account = f"; {dropped:,} dropped by its own account" if dropped else ""
    return f"{seen.kept()}; {seen.losses()}{by_its_account}; {seen.life()}; {seen.memory()}"


def _still_alive(seen: Seen) -> str:
    return f"{seen.life()}; {seen.dials()}; {seen.losses()}"


def _blamed(seen: Seen) -> str:
    stalls = seen.account["stalls"]
    told = [f"{count(len(stalls), 'Stall')} reported ({', '.join(f'{one:.1f} s' for one in stalls)})"] if stalls else []
    return "; ".join([seen.kept(), *told, seen.dials(), seen.losses(), seen.life()])


SITUATIONS = (
    Situation(
        name="slow-consumer",
        title="Consumer at a tenth of the feed's rate",
        text="1000 messages a second of 1000 bytes; the consumer sleeps 10 ms for each, for "
        f"{Slow.SECONDS:.0f} s, and catches up for 5 s. A ping every 2 s, to be answered within 2 s; the server "
        "answers each at once, but the answer lies behind what was not read.",
        cell=_survives,
        seconds=SECONDS,
        script=Script(rate=1000.0, size=SIZE),
        wanted=Wanted(ping=PING, size=SIZE),
        consumer=partial(Slow, rate=100.0),
    ),
    Situation(
        name="stuck-consumer",
        title="Consumer stuck for 10 s",
        text="The same pings, and a consumer that waits for something else for 10 s after the hundredth message, while "
        "the event loop runs. 16 s in all.",
        cell=_survives,
        seconds=16.0,
        script=Script(rate=1000.0, size=SIZE),
        wanted=Wanted(ping=PING, size=SIZE),
        consumer=partial(StuckOnce, seconds=10.0),
    ),
    *(
        Situation(
            name=f"bound-{policy}",
            title=f"`{policy}`",
            text="",
            cell=_at_the_bound,
            seconds=SECONDS,
            script=Script(rate=1000.0, size=SIZE),
            wanted=Wanted(ping=PING, size=SIZE, overflow=policy, queue_bytes=QUEUE_BYTES),
            consumer=partial(Slow, rate=100.0),
            holdfast_only=True,
        )
        for policy in ("pause", "drop_oldest", "drop_newest", "conflate", "fail")
    ),
    Situation(
        name="full-queue",
        title="Consumer stuck for 4 s, queue of 100",
        text="200 messages a second; the consumer waits for something else for 4 s after the hundredth. The client's "
        "queue is asked to hold 100 messages (aiohttp has no such setting). 12 s in all: is the feed alive at the end, "
        "was anything lost?",
        cell=_still_alive,
        seconds=12.0,
        script=Script(rate=200.0, size=200),
        wanted=Wanted(queue=100, size=200),
        consumer=partial(StuckOnce, seconds=4.0),
    ),
    Situation(
        name="blocked-loop",
        title="Event loop blocked for 10 s",
        text="3000 messages a second of 1000 bytes. The server answers a ping 0.2 s after it came, as one far away "
        "does; in such a moment the application blocks the whole loop for 10 s, once. Ping 2 s, answer within 2 s.",
        cell=_blamed,
        seconds=18.0,
        script=Script(rate=3000.0, size=SIZE, pong_delay=0.2),
        wanted=Wanted(ping=PING, size=SIZE),
        consumer=BlocksOnce,
    ),
)
