"""Floor 3: one feed that outlives its connections: adds decisions."""

from holdfast.supervisor.shared import Shared
from holdfast.supervisor.supervisor import State, Supervisor

__all__ = ["Shared", "State", "Supervisor"]
