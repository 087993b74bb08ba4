"""A leg in figures."""

from __future__ import annotations

from holdfast.source import shown
from holdfast.stats import LegStats
from holdfast.supervisor.leg import Leg


def stats_of(leg: Leg, now: float) -> LegStats:
    """At this moment."""
    current, tally = leg.current, leg.tally
    endpoint = current.endpoint if current is not None else None
    return LegStats(
        conn=current.conn if current is not None else None,
        state=leg.state.value,
        url=shown(endpoint or leg.redial.target),
        connected_for=now - current.opened_at if current is not None and leg.is_open else None,
        first=tally.first,
        duplicates=tally.duplicates,
        lateness=tally.lateness,
        losses=dict(tally.losses),
    )
