"""All situations, by name, in the order of the table."""

from __future__ import annotations

from bench.peers.situations import dialling, leaving, slow
from bench.peers.situations.base import Situation

SITUATIONS: dict[str, Situation] = {
    situation.name: situation for situation in (*dialling.SITUATIONS, *slow.SITUATIONS, *leaving.SITUATIONS)
}
