"""Floor 3: one shard of a feed, which outlives its connections: adds decisions."""

from holdfast.supervisor.queue import ItemQueue
from holdfast.supervisor.resyncs import Resyncs
from holdfast.supervisor.sequences import PassOn
from holdfast.supervisor.shared import Shared
from holdfast.supervisor.supervisor import State, Supervisor
from holdfast.supervisor.tally import Tally

__all__ = ["ItemQueue", "PassOn", "Resyncs", "Shared", "State", "Supervisor", "Tally"]
