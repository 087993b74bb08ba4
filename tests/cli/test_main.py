"""The frame of the `holdfast` command."""

from __future__ import annotations

import importlib.abc
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast import __version__, accelerator
from holdfast_cli.commands import holdfast
from holdfast_cli.main import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "klines_and_prices.toml"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60)


def test_version() -> None:
    done = run("-m", "holdfast_cli", "--version")
    assert (done.returncode, done.stdout) == (0, f"holdfast {__version__} ({accelerator or 'plain Python'})\n")


def test_help_names_the_commands() -> None:
    done = run("-m", "holdfast_cli", "--help")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()]
    assert listed == ["config", "demo", "run", "tail", "top"]


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("click", ["--help"], "holdfast: this needs the module click: pip install 'holdfast[cli]'\n"),
        ("rich", ["--help"], "holdfast: this needs the module rich: pip install 'holdfast[cli]'\n"),
        (
            "trio",
            ["tail", "--transport=trio", "ws://localhost"],
            "holdfast: --transport trio needs trio: pip install 'holdfast[trio]'\n",
        ),
        (
            "trio",
            ["run", "--transport=trio", str(EXAMPLE)],
            "holdfast: --transport trio needs trio: pip install 'holdfast[trio]'\n",
        ),
    ],
)
def test_a_missing_extra_is_one_line(module: str, arguments: list[str], message: str) -> None:
    without = f"import sys; sys.modules[{module!r}] = None; from holdfast_cli.main import main; main()"
    done = run("-c", without, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)


def test_asyncio_works_without_trio() -> None:
    without = "import sys; sys.modules['trio'] = None; from holdfast_cli.main import main; main()"
    done = run("-c", without, "tail", "ftp://localhost")
    assert done.returncode == 2
    assert "must begin with ws:// or wss://" in done.stderr


def test_ctrl_c_while_the_command_is_being_loaded_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "holdfast_cli.commands":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "holdfast_cli.commands", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_ctrl_c_before_a_command_handles_it_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("holdfast_cli.run.config_command.loaded", interrupted)
    done = CliRunner().invoke(holdfast, ["config", "check", "pyproject.toml"])
    assert (done.exit_code, done.output) == (130, "")
