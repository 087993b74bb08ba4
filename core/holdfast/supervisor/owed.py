"""What others delivered and one connection has still to bring, in order, and when that was delivered.

While it brings the same texts in the same order, these are all that is looked at: equal texts have equal keys. To find
a key may mean to parse the message, so that is done only when something else comes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Iterable

from holdfast.dialects.words import Update
from holdfast.events import Message


def key_of(message: Message) -> int:
    """Equal for two copies of a message. Two different messages of one stream have the same once in 2^64."""
    return hash(message.key) if isinstance(message, Update) else hash(message)


class Owed(ABC):
    """Of one stream and connection. `keyed`: the first of it, by key. Behind that stands what waits with its text."""

    __slots__ = ("_again", "keyed")

    def __init__(self) -> None:
        self.keyed: dict[int, float] = {}
        self._again: dict[int, int] = {}  # keys that are owed more than once, and how much more often

    # What waits with its text

    @abstractmethod
    def put(self, at: float, text: str | bytes, message: Message) -> None:
        """It was delivered at that time."""

    @abstractmethod
    def take(self, text: str | bytes) -> float | None:
        """It brought this. If that is the next one that is owed: when it had been delivered."""

    @abstractmethod
    def _take_all(self) -> Iterable[tuple[float, Message]]:
        """All of them, from the first on; none is left when the last was given."""

    @abstractmethod
    def _drop_until(self, at: float) -> None:
        """Those that had been delivered by then."""

    # All of it, by key

    @property
    def times(self) -> dict[int, float]:
        """Of everything."""
        self.ask_keys()
        return self.keyed

    @property
    @abstractmethod
    def count(self) -> int:
        """How many are owed."""

    def ask_keys(self) -> None:
        """And keep no text."""
        times = self.keyed
        for at, message in self._take_all():
            key = key_of(message)
            if key in times:
                self._again[key] = self._again.get(key, 0) + 1
            else:
                times[key] = at

    def bring(self, key: int) -> float | None:
        """It was brought. When it had been delivered; None if it was not owed."""
        times = self.times
        if self._again and key in self._again:
            self._again[key] -= 1
            if not self._again[key]:
                del self._again[key]
            return times[key]
        return times.pop(key, None)

    def skip_to(self, key: int) -> None:
        """What stands before this will not come any more."""
        for first in list(self.times):
            if first == key:
                return
            self.forget(first)

    def forget(self, key: int) -> None:
        self.times.pop(key, None)
        self._again.pop(key, None)

    def forget_until(self, at: float, kept: Collection[int] = ()) -> None:
        """What was delivered by then will not come any more, but for what is `kept`."""
        for key, delivered_at in list((self.times if kept else self.keyed).items()):
            if delivered_at > at:
                return
            if key not in kept:
                del self.keyed[key]
                self._again.pop(key, None)
        self._drop_until(at)


class OwedUpdates(Owed):
    """Of one stream of many: messages come singly."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        super().__init__()
        self.waiting: deque[tuple[float, str | bytes, Message]] = deque()

    def put(self, at: float, text: str | bytes, message: Message) -> None:
        self.waiting.append((at, text, message))

    def take(self, text: str | bytes) -> float | None:
        waiting = self.waiting
        if waiting and not self.keyed and waiting[0][1] == text:
            return waiting.popleft()[0]
        return None

    @property
    def count(self) -> int:
        return len(self.keyed) + len(self.waiting)

    def _take_all(self) -> Iterable[tuple[float, Message]]:
        while self.waiting:
            at, _, message = self.waiting.popleft()
            yield at, message

    def _drop_until(self, at: float) -> None:
        while self.waiting and self.waiting[0][0] <= at:
            self.waiting.popleft()


class OwedTexts(Owed):
    """Of all that a feed without a dialect brings: as many at once as were read at once."""

    __slots__ = ("_runs", "_taken", "waits")

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0  # texts
        self._runs: deque[tuple[float, list[str | bytes]]] = deque()
        self._taken = 0  # of the first run

    def put(self, at: float, text: str | bytes, message: Message) -> None:  # noqa: ARG002  # the same
        self.put_all(at, [text])

    def put_all(self, at: float, texts: list[str | bytes]) -> None:
        """These were delivered. The list stays as it is."""
        self._runs.append((at, texts))
        self.waits += len(texts)

    def take(self, text: str | bytes) -> float | None:
        count, at = self.take_first([text])
        return at if count else None

    def take_first(self, texts: list[str | bytes]) -> tuple[int, float]:
        """How many of these, from the first on, are the next that are owed; when the last of them was delivered."""
        runs, done, at = self._runs, 0, 0.0
        if self.keyed:
            return done, at
        if runs and runs[0][1] == texts and not self._taken:  # cut as on the other connection
            self.waits -= len(texts)
            return len(texts), runs.popleft()[0]
        while runs and done < len(texts):
            delivered_at, run = runs[0]
            begin = self._taken
            size = min(len(run) - begin, len(texts) - done)
            if run[begin : begin + size] != texts[done : done + size]:
                size = next(at for at in range(size) if run[begin + at] != texts[done + at])
                if not size:
                    break
            at = delivered_at
            done += size
            self._taken += size
            if self._taken < len(run):
                break
            runs.popleft()
            self._taken = 0
        self.waits -= done
        return done, at

    @property
    def count(self) -> int:
        return len(self.keyed) + self.waits

    def _take_all(self) -> Iterable[tuple[float, Message]]:
        while self._runs:
            at, run = self._runs.popleft()
            for text in run[self._taken :]:
                yield at, text
            self._taken = 0
        self.waits = 0

    def _drop_until(self, at: float) -> None:
        while self._runs and self._runs[0][0] <= at:
            _, run = self._runs.popleft()
            self.waits -= len(run) - self._taken
            self._taken = 0
