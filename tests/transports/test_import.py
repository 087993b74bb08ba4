"""What `import` brings along: a plain feed pays for nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

NOT_FOR_ALL = {"holdfast.observe", "holdfast.testing", "holdfast_cli", "importlib.resources", "msgspec", "python_socks"}


@pytest.mark.parametrize(("package", "other"), [("holdfast_asyncio", "trio"), ("holdfast_trio", "holdfast_asyncio")])
def test_what_few_need_waits_until_it_is_asked_for(package: str, other: str) -> None:
    code = f"import sys, {package}; before = set(sys.modules); {package}.serve_status; print(*before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert package in loaded
    assert not loaded & (NOT_FOR_ALL | {other})


@pytest.mark.parametrize("package", ["holdfast", "holdfast_asyncio", "holdfast_trio"])
def test_the_machine_comes_with_a_transport_and_whole(package: str) -> None:
    code = (
        f"import sys, {package}; before = set(sys.modules)\n"
        "import os, holdfast; config = holdfast.FeedConfig.build('ws://h/', {})\n"
        "fleet = holdfast.Fleet(config, random=None, entropy=os.urandom)\n"
        "print(*before); print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    before, later = (set(line.split()) for line in done.stdout.split("\n")[:2])
    machine = {"wsproto", "h11", "holdfast.fleet", "holdfast.wire", "holdfast.supervisor"}
    if package == "holdfast":
        assert not before & machine
        assert machine <= later
    else:
        assert machine <= before
        assert not later
        assert "holdfast.tunnel" not in before


@pytest.mark.parametrize("package", ["holdfast", "holdfast_asyncio", "holdfast_trio"])
def test_what_is_not_there_is_an_attribute_error(package: str) -> None:
    module = __import__(package)
    assert all(hasattr(module, name) for name in module.__all__)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'open_fed'"):
        module.open_fed  # noqa: B018
