"""Times and doings drawn from a lattice, so that deadlines fall together."""

from __future__ import annotations

from hypothesis import strategies as st

from helpers.world import TICK, World
from holdfast import Keepalive


def times(least: float, most: float) -> st.SearchStrategy[float]:
    """Multiples of a tick."""
    return st.integers(round(least / TICK), round(most / TICK)).map(lambda ticks: ticks * TICK)


def keepalives() -> st.SearchStrategy[Keepalive]:
    return st.builds(Keepalive, times(TICK, 5), times(TICK, 5))


Step = tuple[str, float]


def steps(*kinds: str, longest: float = 6.0) -> st.SearchStrategy[list[Step]]:
    """What happens on our side of a run, each with a time: see `carry_out`."""
    return st.lists(st.tuples(st.sampled_from(kinds), times(TICK, longest)), max_size=12)


def carry_out(world: World, script: list[Step]) -> float:
    """Run the script; returns for how many seconds our process did not run."""
    stalled = 0.0
    for kind, seconds in script:
        if kind == "run":
            world.run(seconds)
        elif kind == "stall":
            world.oversleep(seconds)
            stalled += seconds
        elif kind == "tick":
            world.tick()
        elif kind == "back":
            world.fleet.tick(world.now - seconds)
        elif kind == "data":
            world.peer.send(f"at {world.now}")
        elif kind == "slow":
            world.consume(False)
        else:
            assert kind == "eager"
            world.consume(True)
    return stalled
