from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from helpers.tailed import Tail


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Iterator[Callable[..., Tail]]:
    """Start `holdfast tail` with the given arguments, on either transport."""
    started: list[Tail] = []

    def start(*arguments: str) -> Tail:
        started.append(Tail(f"--transport={request.param}", *arguments))
        return started[-1]

    yield start
    for one in started:
        one.stop()
