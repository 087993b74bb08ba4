"""Every test here runs once for each adapter. docs/testing-a-transport.md tells how to add one."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import pytest

from helpers.simulated import SimulatedBackend
from helpers.simulated_asyncio import SimulatedAsyncio, SimulatedTimersFirst
from helpers.simulated_trio import SimulatedTrio
from helpers.spy import Spy

ADAPTERS: list[type[SimulatedBackend]] = [SimulatedAsyncio, SimulatedTimersFirst, SimulatedTrio]

if sys.platform != "linux":
    # Elsewhere loopback delivers a moment later than it is sent, and simulated time would not wait for it.
    collect_ignore_glob = ["test_*.py"]

if _named := os.environ.get("HOLDFAST_TRANSPORT_ADAPTER"):  # module:Class; then this one alone
    _module, _class = _named.split(":")
    ADAPTERS = [getattr(import_module(_module), _class)]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def backend(request: pytest.FixtureRequest) -> SimulatedBackend:
    adapter: type[SimulatedBackend] = request.param
    return adapter()


@pytest.fixture
def spy(backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(backend.driver, monkeypatch)
