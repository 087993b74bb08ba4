"""Ways out of a client, and what is left behind."""

from __future__ import annotations

from bench.peers.consumers import Leaves, Raises, StuckForEver
from bench.peers.script import Ending, Script
from bench.peers.seen import Seen, count, left
from bench.peers.situations.base import Situation
from bench.peers.wanted import Wanted
from bench.peers.workloads import CLOSE_LIMIT, close, count_tasks, leave, time_out

UNAVAILABLE = Ending("refuse", code=503)


def _left(seen: Seen) -> str:
    finding = seen.finding
    out = finding["out"]
    parts = [f"came out with {out}"] if out is not None else []
    parts.append(f"left at once: {left(finding['at_once'])}")
    if any(finding["at_once"].values()):
        parts.append(f"after 1 s: {left(finding['later'])}")
    if not finding["scopes_whole"]:
        parts.append("later timeouts do not work")
    return "; ".join(parts)


def _timed_out(seen: Seen) -> str:
    finding = seen.finding
    late = finding.get("took", 0.0) - 2.0
    parts = [f"{late:.1f} s late"] if late > 0.1 else []
    return "; ".join([*parts, _left(seen)])


def _grown(seen: Seen) -> str:
    early, late = seen.finding["early"], seen.finding["late"]
    both = ", ".join(f"{kind} {early[kind]} then {late[kind]}" for kind in early)
    return f"{count(len(seen.connections) - 1, 'reconnect')}; {both}"


def _closed(seen: Seen) -> str:
    finding = seen.finding
    took = finding["close_took"]
    after = sum(one["accepted"] > finding["close_called"] for one in seen.connections)
    back = f"close() took {took:.1f} s" if took is not None else f"close() did not return within {CLOSE_LIMIT:.0f} s"
    return f"{back}; {count(after, 'dial')} after it"


_WAYS_OUT = "Then: does the loop around still work, which tasks and sockets are left at once, and a second later?"

SITUATIONS = (
    Situation(
        name="break",
        title="`break` out of the loop",
        text=f"After twenty messages the application leaves the iterating loop with `break`. {_WAYS_OUT}",
        cell=_left,
        seconds=10.0,
        consumer=Leaves,
        workload=leave,
    ),
    Situation(
        name="exception",
        title="Exception in the loop's body",
        text='After twenty messages the body raises `ValueError("mine")`. What comes out of the loop?',
        cell=_left,
        seconds=10.0,
        consumer=Raises,
        workload=leave,
    ),
    Situation(
        name="timeout",
        title="Timeout around the loop",
        text="`asyncio.timeout` or `trio.move_on_after`, two seconds, around the whole loop, while messages flow.",
        cell=_timed_out,
        seconds=2.0,
        workload=time_out,
    ),
    Situation(
        name="timeout-reconnecting",
        title="Timeout while reconnecting",
        text="The same, but the connection is cut after half a second and every further dial answered with HTTP 503.",
        cell=_timed_out,
        seconds=2.0,
        script=Script(endings=(Ending("eof", 0.5), UNAVAILABLE)),
        workload=time_out,
    ),
    Situation(
        name="close-reconnecting",
        title="`close()` while reconnecting",
        text="There too, after six seconds, another task calls what the application holds for closing (the latest "
        "connection's, or the feed's). Counted: seconds until it returns, and dials in the time after it.",
        cell=_closed,
        seconds=12.0,
        script=Script(endings=(Ending("eof", 0.5), UNAVAILABLE)),
        workload=close,
    ),
    Situation(
        name="tasks-per-reconnect",
        title="Tasks after many reconnects",
        text="The server ends every connection after 50 ms; the pause between dials is set to 50 ms where it can be. "
        "Counted: the most tasks and sockets in the first and in the last quarter of 6 s.",
        cell=_grown,
        seconds=6.0,
        script=Script(endings=(Ending("eof", 0.05),)),
        wanted=Wanted(retry_pause=0.05),
        workload=count_tasks,
    ),
    Situation(
        name="close-full-queue",
        title="`close()` with a full queue",
        text="1000 messages a second of 1000 bytes, and the consumer takes one and is busy with it. After three "
        "seconds another task calls `close()`, with a time limit of 2 s where one can be set (picows' callbacks have "
        f"none). Counted: seconds until it returns, {CLOSE_LIMIT:.0f} at most.",
        cell=_closed,
        seconds=6.0,
        script=Script(rate=1000.0, size=1000),
        wanted=Wanted(close_timeout=2.0, queue=100, size=1000),
        consumer=StuckForEver,
        workload=close,
    ),
)
