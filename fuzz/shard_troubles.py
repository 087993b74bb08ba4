"""What can go wrong with one of several shards; and the user who makes some come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from holdfast.testing.world import Chance

if TYPE_CHECKING:
    from fuzz.user import User
    from fuzz.voyage import Voyage


def _restless_shard(voyage: Voyage, chance: Chance) -> None:
    """One loses its connection again and again, and the others do not."""
    if voyage.roster is None:
        return
    shard, pause = chance.choice(sorted(voyage.roster.loads)), chance.choice((2.0, 15.0, 60.0))
    for number in range(chance.choice((1, 4, 8))):
        voyage.later(number * pause, lambda: _reset(voyage, shard))


def _reset(voyage: Voyage, shard: int) -> None:
    for conn, socket in list(voyage.process.sockets.items()):
        if socket.link is not None and voyage.shard_of(conn) == shard:
            socket.link.reset()


def _empty_shard(voyage: Voyage, chance: Chance) -> None:
    """Nobody wants anything of one, or of all but one; perhaps soon again."""
    user, roster = voyage.user, voyage.roster
    if user is None or roster is None or not user.can_act:
        return
    shard = chance.choice(sorted(roster.loads))
    gone = [one for one in roster.loads[shard] if one != voyage.plan.streams[0]]
    if chance.chance(0.2):
        gone = [one for one in user.wanted if one != voyage.plan.streams[0]]
    user.unsubscribe(*gone)
    if chance.chance(0.7):
        voyage.later(chance.choice((0.0, 1.0, 60.0)), lambda: _want(user, gone))


def _want(user: User, streams: list[str]) -> None:
    if user.can_act:
        user.subscribe(*streams)


def _want_all(voyage: Voyage, chance: Chance) -> None:
    """There are as many shards as there can be."""
    user = voyage.user
    if user is not None:
        _want(user, [stream for stream in voyage.plan.streams if stream not in user.wanted])


SHARD_TROUBLES: dict[str, Callable[[Voyage, Chance], None]] = {
    "empty_shard": _empty_shard,
    "restless_shard": _restless_shard,
    "want_all": _want_all,
}
