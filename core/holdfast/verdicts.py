"""What to do about a failure: the words; the table is the supervisor's, and dialects override rows."""

from __future__ import annotations

from enum import Enum

from holdfast.records import dataclass


class Action(Enum):
    """What to do about a failure."""

    RETRY = "retry"
    FOLLOW = "follow"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait`: seconds that the server asked for. `policy`: the close said that we are at fault, so repeats count."""

    action: Action
    reason: str = ""
    wait: float = 0.0
    policy: bool = False
