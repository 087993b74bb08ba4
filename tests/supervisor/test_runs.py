"""What is taken in runs is what is taken item by item."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast import Event, Overflow, Stall
from holdfast.supervisor.queue import ItemQueue

CHUNKS = st.lists(st.integers(0, 4))  # messages that come together; none stands for an event


def queued(chunks: list[int]) -> ItemQueue:
    queue = ItemQueue(1 << 20, Overflow())
    for number, messages in enumerate(chunks):
        if messages:
            queue.put_messages([f"{number}.{one}" for one in range(messages)], 4 * messages, float(number))
        else:
            queue.put_event(Stall(float(number), 1.0))
    return queue


@given(CHUNKS, st.integers(1, 6))
def test_runs_bring_every_item_in_order(chunks: list[int], limit: int):
    queue, found = queued(chunks), []
    while (run := queue.take_run(limit)) is not None:
        if isinstance(run, Event):
            found.append(run)
        else:
            assert 0 < len(run) <= limit
            assert not any(isinstance(message, Event) for message in run)
            found += run
    assert found == queued(chunks).take()
    assert (queue.count, queue.size) == (0, 0)


@given(CHUNKS)
def test_a_run_goes_on_until_the_next_event(chunks: list[int]):
    queue = queued(chunks)
    runs = list(iter(lambda: queue.take_run(1 << 20), None))
    assert not any(isinstance(one, list) and isinstance(other, list) for one, other in pairwise(runs))
