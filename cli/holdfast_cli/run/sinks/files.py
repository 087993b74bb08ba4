"""Lines in files, a new one every so often."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from time import time
from typing import Literal

from holdfast import ConfigError
from holdfast.checks import between, count
from holdfast.settings import MIB
from holdfast_cli.run.sinks.packing import Packing, Zstd

_PART = ".part"
_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")


@dataclass
class Files:
    """Files in `folder`, made if it is not there: `NAME-20261121T190000-0001.jsonl`, by the time (UTC) when each was
    begun. While one is written it ends with `.part`; a file without that is complete, and does not change any more.

    A new file begins with every hour (or day, or never: `every`), and before one would be larger than `max_size` bytes.
    `compress`: zstd needs the extra `zstandard`, and adds `.zst`; `level` is zstd's, 1 fast to 22 small. `keep`: of the
    complete files only so many, the oldest are deleted; false keeps all.
    """

    folder: str
    name: str = "holdfast"
    max_size: int = 256 * MIB
    every: Literal["hour", "day", "never"] = "hour"
    compress: Literal["none", "zstd"] = "none"
    level: int = 3
    keep: int | None = None
    clock: Callable[[], float] = field(default=time, init=False, repr=False)  # Unix seconds; for tests

    def __post_init__(self) -> None:
        if not self.folder:
            raise ConfigError('folder = "": must be the path of a folder')
        if not _NAME.match(self.name):
            raise ConfigError(f"name = {self.name!r}: must be made of letters, digits and . _ -")
        count("max_size", self.max_size)
        between("level", self.level, 1, 22)
        if self.keep is not None:
            count("keep", self.keep)
        if self.compress == "zstd" and find_spec("zstandard") is None:
            raise ConfigError("compress: zstd needs the module zstandard: pip install 'holdfast[zstandard]'")
        # What is written together costs less, and what is compressed together gets smaller.
        self.linger = 1.0 if self.compress == "zstd" else 0.1
        self._fd: int | None = None
        self._path = Path()
        # What is complete and has still to get its own name; or, with None, to be deleted.
        self._complete: tuple[Path, Path | None] | None = None
        self._size = 0  # bytes of the file, all of whole lines
        self._period: str | None = None
        self._number = 0
        self._packing: Packing = Packing()
        self._ending: bytes | None = None  # what completes the file, and is not written
        self._packed: tuple[bytes, int] | None = None  # what was made of so many bytes of lines, and is not written
        self._taken = 0  # bytes of the lines that are being given, which need no other try

    def open(self) -> None:
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        self._begin()

    def write(self, lines: bytes) -> None:
        if self._period != self._period_now() and self._packed is None:
            self._finish()
        while self._taken < len(lines):
            if self._fd is None:
                self._begin()
            if self._packed is None:
                piece = self._piece(lines)
                if not piece:
                    self._finish()
                    continue
                self._packed = self._packing.pack(piece), len(piece)
            self._append(self._packed[0])
            self._taken += self._packed[1]
            self._packed = None
        self._taken = 0

    def close(self) -> None:
        self._finish()

    def _piece(self, lines: bytes) -> bytes:
        """The next of these lines that find room in the file; none if that has to be another one."""
        room = self.max_size - self._size
        rest = lines[self._taken :]
        if len(rest) <= room:
            return rest
        if self.compress != "none" and self._size > 0:
            return b""  # nobody knows what it comes to; small pieces come to more
        end = rest.rfind(b"\n", 0, max(room, 0)) + 1
        if end == 0 and self._size == 0:
            end = rest.find(b"\n") + 1  # a line that is larger than any file may be
        return rest[:end]

    def _append(self, data: bytes) -> None:
        """All of it, or nothing."""
        assert self._fd is not None
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            # Half a line must not stay, whatever comes next.
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
            raise
        self._size += len(data)

    def _begin(self) -> None:
        self._finish()
        period = self._period_now()
        stamp = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%dT%H%M%S")
        packing = Zstd(self.level) if self.compress == "zstd" else Packing()
        while True:
            self._number += 1
            path = Path(self.folder) / f"{self.name}-{stamp}-{self._number:04}.jsonl{packing.suffix}"
            if path.exists():
                continue
            with suppress(FileExistsError):
                part = path.with_name(path.name + _PART)
                self._fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o644)
                break
        self._path, self._size, self._period = path, 0, period
        self._packing, self._ending = packing, None

    def _finish(self) -> None:
        """The file is complete: on the disk, under its own name."""
        if self._fd is not None:
            target = self._path if self._size > 0 else None
            if self._ending is None:
                self._ending = self._packing.end()
            self._append(self._ending)
            self._ending = b""  # should what follows be tried again
            os.fsync(self._fd)
            os.close(self._fd)
            self._fd = None
            self._complete = self._path.with_name(self._path.name + _PART), target
        if self._complete is not None:
            part, target = self._complete
            if target is None:
                part.unlink()
            else:
                part.rename(target)
            self._complete = None
            self._delete_old()

    def _delete_old(self) -> None:
        if self.keep is None:
            return
        made = re.compile(re.escape(self.name) + r"-\d{8}T\d{6}-\d{4,}\.jsonl(\.zst)?\Z")
        complete = sorted(path for path in Path(self.folder).iterdir() if made.match(path.name))
        for path in complete[: -self.keep]:
            path.unlink(missing_ok=True)

    def _period_now(self) -> str:
        if self.every == "never":
            return ""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%d%H" if self.every == "hour" else "%Y%m%d")
