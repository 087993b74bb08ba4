"""Lines for whoever connects to a socket of this machine."""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import stat
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep, time

from holdfast import ConfigError
from holdfast.checks import count, positive
from holdfast.settings import MIB

_LONGEST = 100  # bytes of a path: 107 on Linux, 103 elsewhere
_MODE = 0o660
_READ = 4096
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_BREATH = 0.1  # seconds until a reader is accepted for whom there was no file left; the others wait, too


@dataclass
class UnixSocket:
    """A Unix socket at `path`. Each of its readers gets all lines from when it connected.

    A reader that is more than `max_reader_queue` bytes behind loses lines until it has caught up to half of that; then
    a line, `ReaderLost`, tells it how many. The others do not notice. At the end of the command readers have
    `reader_timeout` seconds to take what waits for them. The socket's mode is 0660: whoever may write to it can read.
    """

    path: str
    max_reader_queue: int = 8 * MIB
    reader_timeout: float = 2.0

    def __post_init__(self) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise ConfigError("type: this system has no Unix sockets")
        if not 0 < len(os.fsencode(self.path)) <= _LONGEST:
            raise ConfigError(f"path = {self.path!r}: must be a path of 1 to {_LONGEST} bytes")
        count("max_reader_queue", self.max_reader_queue, least=1024)
        positive("reader_timeout", self.reader_timeout)
        self._lock = Lock()
        self._readers: dict[int, _Reader] = {}
        self._ends_at: float | None = None  # on the monotonic clock
        self._made: tuple[int, int] | None = None  # which socket is ours: device and inode

    def open(self) -> None:
        self._remove_leftover()
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.setblocking(False)
            self._listener.bind(self.path)
            Path(self.path).chmod(_MODE)
            self._made = self._there()
            self._listener.listen(64)
        except OSError:
            self._listener.close()
            raise
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = Thread(target=self._serve, name=f"holdfast {self.path}", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        with self._lock:
            for reader in self._readers.values():
                reader.put(lines)
        self._wake()

    def close(self) -> None:
        with suppress(FileNotFoundError):
            if self._there() == self._made:  # and not of one that came after us
                Path(self.path).unlink()
        self._ends_at = monotonic() + self.reader_timeout
        self._wake()
        self._thread.join()
        self._waker.close()

    @property
    def readers(self) -> int:
        """How many are connected."""
        return len(self._readers)

    def _there(self) -> tuple[int, int]:
        found = Path(self.path).stat()
        return found.st_dev, found.st_ino

    def _remove_leftover(self) -> None:
        """The socket of a process that is no more. Raises OSError if one listens there, or if it is no socket."""
        try:
            mode = Path(self.path).stat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise OSError(errno.EEXIST, f"{self.path} is there and no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(self.path)
            except ConnectionRefusedError:
                Path(self.path).unlink()
                return
            except BlockingIOError:
                pass
        raise OSError(errno.EADDRINUSE, f"another process listens at {self.path}")

    def _wake(self) -> None:
        with suppress(BlockingIOError, BrokenPipeError):  # it is awake, or has just ended
            self._waker.send(b"x")

    # In the thread

    def _serve(self) -> None:
        try:
            while not self._is_over():
                timeout = None if self._ends_at is None else max(self._ends_at - monotonic(), 0.0)
                for key, mask in self._selector.select(timeout):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj is self._woken:
                        self._woken.recv(_READ)
                    else:
                        self._attend(key.fd, mask)
                with self._lock:
                    for fd, reader in self._readers.items():
                        self._selector.modify(reader.socket, reader.interest, fd)
        finally:
            for reader in self._readers.values():
                reader.socket.close()
            for one in (self._listener, self._woken, self._selector):
                one.close()

    def _is_over(self) -> bool:
        """Whether it is to end, and all readers have all, or the time is up."""
        if self._ends_at is None:
            return False
        return monotonic() >= self._ends_at or all(reader.has_all for reader in self._readers.values())

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:  # it waits to be accepted all the same, and would wake us at once
                sleep(_BREATH)
            return  # or it has gone again
        accepted.setblocking(False)
        with self._lock:
            self._readers[accepted.fileno()] = reader = _Reader(accepted, self.max_reader_queue)
        self._selector.register(accepted, reader.interest)

    def _attend(self, fd: int, mask: int) -> None:
        reader = self._readers[fd]
        try:
            if mask & selectors.EVENT_WRITE:
                with self._lock:
                    reader.send()
            # What a reader says is of no interest, but that it goes.
            gone = bool(mask & selectors.EVENT_READ) and not reader.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._selector.unregister(reader.socket)
            with self._lock:
                del self._readers[fd]
            reader.socket.close()


class _Reader:
    """Pieces of whole lines that wait to be sent, under the sink's lock."""

    def __init__(self, accepted: socket.socket, bound: int) -> None:
        self.socket = accepted
        self._bound = bound
        self._pieces: deque[memoryview] = deque()
        self._size = 0
        self._losing: tuple[int, float] | None = None  # how many lines since when

    @property
    def interest(self) -> int:
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._pieces else 0)

    @property
    def has_all(self) -> bool:
        return not self._pieces and self._losing is None

    def put(self, lines: bytes) -> None:
        if self._losing is None:
            room = self._bound - self._size
            end = len(lines) if len(lines) <= room else lines.rfind(b"\n", 0, max(room, 0)) + 1
            if end > 0:
                self._append(lines[:end])
            if end == len(lines):
                return
            lines, self._losing = lines[end:], (0, time())
        self._losing = (self._losing[0] + lines.count(b"\n"), self._losing[1])
        if not self._pieces:  # one line that is larger than the queue; no sending would come to tell it
            self._declare(*self._losing)

    def send(self) -> None:
        """What the socket takes. Raises OSError if it is broken."""
        while self._pieces:
            sent = self.socket.send(self._pieces[0])
            self._size -= sent
            if sent < len(self._pieces[0]):
                self._pieces[0] = self._pieces[0][sent:]
                return
            self._pieces.popleft()
            if self._losing is not None and self._size <= self._bound // 2:
                self._declare(*self._losing)

    def _declare(self, lines: int, since: float) -> None:
        self._losing = None
        now = time()
        told = {"event": "ReaderLost", "at": now, "lines": lines, "since": since, "until": now}
        self._append(json.dumps(told).encode() + b"\n")

    def _append(self, lines: bytes) -> None:
        self._pieces.append(memoryview(lines))
        self._size += len(lines)
