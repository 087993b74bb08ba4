"""The window of dials to a host, kept in a file for all processes that are given the same one.

The file is JSON: `{"version": 1, "hosts": {"example.com": {"period": 300.0, "dials": [1779000000.0, ...]}}}`, in Unix
seconds. It is read and written under a lock, which the kernel takes back from a process that dies. It is replaced, and
never changed in place, so that nobody finds half of it.

Whatever is wrong with it is told to the log, and the dial goes out: a feed that does not dial would be worse, and the
process still keeps its own window.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, cast

from holdfast.config import FeedConfig
from holdfast.errors import ConfigError
from holdfast.phrases import WARNING
from holdfast.settings import DialWindow

_PATIENCE = 2.0  # seconds for the lock: who holds it reads and writes a small file
_POLL = 0.005  # seconds between two attempts to get it
_BLIND = 10.0  # seconds for which it is not asked again when it could not be used
_AHEAD = 1.0  # seconds that a dial may lie in the future; more, and the wall clock was set back
_LONGEST = 86_400.0  # seconds for which dials are remembered, whatever period somebody has
_SOONEST = 0.01  # seconds to wait, at least, where there is something to wait for
_TOLD_EVERY = 60.0  # seconds between two warnings

_Hosts = dict[str, tuple[float, list[float]]]  # the longest period that anybody has, and when there were dials


def check_window_file(config: FeedConfig) -> None:
    """Raises ConfigError where it is known beforehand that the file cannot be used."""
    if config.dial_window_file is None:
        return
    try:
        import filelock  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ModuleNotFoundError:
        raise ConfigError("dial_window_file needs a library: pip install 'holdfast[shared]'") from None
    path = Path(config.dial_window_file)
    if not path.parent.is_dir():
        raise ConfigError(f"dial_window_file = {str(path)!r}: there is no folder {str(path.parent)!r}; make it first")
    if path.is_dir():
        raise ConfigError(f"dial_window_file = {str(path)!r}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise ConfigError(f"dial_window_file = {str(path)!r}: is a device, a pipe or a socket; name an ordinary file")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"dial_window_file = {str(path)!r}: the folder cannot be written to")


def window_of(config: FeedConfig, tell: Callable[[int, str], None]) -> SharedWindow | None:
    """As the setting has it; None without it."""
    if config.dial_window_file is None:
        return None
    return SharedWindow(Path(config.dial_window_file), config.dial_window, tell)


class SharedWindow:
    """`tell(level, line)` writes to the log; `wall` is the wall clock. May be used by several threads."""

    def __init__(
        self,
        path: Path,
        setting: DialWindow,
        tell: Callable[[int, str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._setting = setting
        self._tell = tell
        self._wall = wall
        self._turn = Lock()  # one of our threads at a time; then only other processes are waited for
        self._blind_until = -math.inf
        self._told_at = -math.inf

    def ask(self, host: str, ahead: int = 0) -> float:
        """0.0: dial; it is noted. Else how many seconds to wait, where `ahead` others of ours wait already.

        Blocks while another process has the lock, two seconds at most; so call it in a thread.
        """
        from filelock import FileLock, Timeout

        with self._turn:
            if time.monotonic() < self._blind_until:
                return 0.0
            try:
                with FileLock(f"{self._path}.lock").acquire(timeout=_PATIENCE, poll_interval=_POLL):
                    return self._ask(host, ahead)
            except Timeout:
                self._look_away(f"another process has it locked for more than {_PATIENCE:g} s")
            except (OSError, NotImplementedError) as error:  # some file systems know no locks
                self._look_away(str(error))
            return 0.0

    def _ask(self, host: str, ahead: int) -> float:
        now = self._wall()
        hosts = self._read(now)
        count, period = self._setting.count, self._setting.period
        longest, dials = hosts.get(host, (0.0, []))
        # Strict: the one that happened `period` seconds ago must lie outside.
        recent = [at for at in dials if at > now - period]
        if len(recent) >= count:
            rounds, place = divmod(len(recent) - count + ahead, len(recent))
            return max(_SOONEST, recent[place] + (rounds + 1) * period - now)
        hosts[host] = max(longest, period), [*dials, now]
        self._write(hosts)
        return 0.0

    def _read(self, now: float) -> _Hosts:
        """What is in it and not too old."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except UnicodeDecodeError:
            text = "no UTF-8"
        try:
            hosts = _parsed(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._warn("it is not what Holdfast writes, and is written anew")
            return {}
        kept: _Hosts = {}
        for host, (period, dials) in hosts.items():
            since = now - min(period, _LONGEST)
            if times := sorted(at for at in dials if since < at <= now + _AHEAD):
                kept[host] = period, times
        return kept

    def _write(self, hosts: _Hosts) -> None:
        content = {host: {"period": period, "dials": dials} for host, (period, dials) in hosts.items()}
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            fresh.write_text(json.dumps({"version": 1, "hosts": content}), encoding="utf-8")
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise

    def _look_away(self, why: str) -> None:
        """Or every dial would wait for the lock."""
        self._blind_until = time.monotonic() + _BLIND
        self._warn(why)

    def _warn(self, what: str) -> None:
        """Now and then, or a broken file would fill the log."""
        if time.monotonic() - self._told_at >= _TOLD_EVERY:
            self._told_at = time.monotonic()
            self._tell(WARNING, f"dial_window_file {self._path}: {what}; dialling without it")


def _parsed(text: str) -> _Hosts:
    content = cast("dict[str, Any]", json.loads(text))
    if content["version"] != 1:
        raise ValueError("of another version")
    return {
        str(host): (float(entry["period"]), [float(at) for at in entry["dials"]])
        for host, entry in content["hosts"].items()
    }
