"""One file for each promise: what would have to be seen for it to be broken."""

from fuzz.checkers.base import Checker, Violation
from fuzz.checkers.p01_comes_back import ComesBack
from fuzz.checkers.p01_dialled_as_told import PostponedInTime, TokensFresh
from fuzz.checkers.p01_restart_asked import RestartAsked
from fuzz.checkers.p02_never_storms import DialLimitKept, EveryDialHasItsReason, NeverStorms
from fuzz.checkers.p02_redirects_followed import RedirectsFollowed
from fuzz.checkers.p02_unrest_told import UnrestTold
from fuzz.checkers.p03_dead_peer_found import DeadPeerFound
from fuzz.checkers.p04_live_peer_kept import LivePeerKept, PingsAnswered
from fuzz.checkers.p05_silence_mended import SilenceMended
from fuzz.checkers.p05_silence_of_each import SilenceOfEach
from fuzz.checkers.p06_allotted import Allotted
from fuzz.checkers.p06_as_wanted import AsWanted, MessageWindowKept
from fuzz.checkers.p06_greeted_first import GreetedFirst
from fuzz.checkers.p07_rotation_loses_nothing import NothingLostBetween, RotationKept
from fuzz.checkers.p08_loss_declared import LossDeclared
from fuzz.checkers.p08_numbers_told import HolesTold, NumbersTold
from fuzz.checkers.p08_snapshots_follow import SnapshotsFollow
from fuzz.checkers.p09_order_kept import OrderKept
from fuzz.checkers.p10_memory_bounded import MemoryBounded
from fuzz.checkers.p10_memory_shared import MemoryShared
from fuzz.checkers.p10_snapshots_few import SnapshotsFew
from fuzz.checkers.p12_closing_ends import ClosingEnds

CHECKERS: tuple[type[Checker], ...] = (
    ComesBack,
    RestartAsked,
    TokensFresh,
    PostponedInTime,
    NeverStorms,
    EveryDialHasItsReason,
    DialLimitKept,
    RedirectsFollowed,
    UnrestTold,
    DeadPeerFound,
    LivePeerKept,
    PingsAnswered,
    SilenceMended,
    SilenceOfEach,
    AsWanted,
    Allotted,
    GreetedFirst,
    MessageWindowKept,
    RotationKept,
    NothingLostBetween,
    LossDeclared,
    NumbersTold,
    HolesTold,
    SnapshotsFollow,
    OrderKept,
    MemoryBounded,
    MemoryShared,
    SnapshotsFew,
    ClosingEnds,
)

__all__ = ["CHECKERS", "Checker", "Violation"]
