from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.running import Run


@pytest.fixture(params=["asyncio", "trio"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Start `holdfast run` with a file of this text, on either transport."""
    started: list[Run] = []

    def run(text: str, **environ: str) -> Run:
        file = tmp_path / "holdfast.toml"
        file.write_text(text, encoding="utf-8")
        started.append(Run(file, f"--transport={request.param}", **environ))
        return started[-1]

    yield run
    for one in started:
        one.stop()
