"""One stream as several connections bring it: what comes first is delivered, in order, and once.

A connection that is *proven* brings everything from a known place on: whatever another one delivered first it owes, and
what it then brings of that is a duplicate. Of one that joined later nothing is known yet: it might be ahead of the
others, with messages missing between. What it brings is held until that is settled, by the first of these: it brought
two messages that others delivered, in the same order; the service's numbers say that its first message joins the last
one delivered; or the whole connection is proven (see `merge`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from itertools import pairwise

from holdfast.dialects.words import Update
from holdfast.events import Message
from holdfast.settings import ITEM_COST
from holdfast.supervisor.owed import Owed, key_of


class Hold:
    """What an unproven connection brought: each message with its key, and when it came. `size`: bytes, about."""

    __slots__ = ("keys", "messages", "size")

    def __init__(self) -> None:
        self.messages: deque[tuple[float, int, Message]] = deque()
        self.keys: set[int] = set()
        self.size = 0

    def put(self, now: float, key: int, message: Message) -> None:
        self.messages.append((now, key, message))
        self.keys.add(key)
        self.size += size_of(message) + ITEM_COST

    def let_go(self, before: float, kept: Collection[int]) -> None:
        """Of what came by then, but for these keys."""
        messages, self.messages, self.keys, self.size = self.messages, deque(), set(), 0
        for at, key, message in messages:
            if at > before or key in kept:
                self.put(at, key, message)

    def excuse(self, late: float) -> None:
        """For `late` seconds we did not look, or did not read: nobody had the chance to say more of these."""
        self.messages = deque((at + late, key, message) for at, key, message in self.messages)


class Strand:
    """Of one stream. Connections go by their numbers."""

    __slots__ = ("_by_stream", "_new_owed", "delivered_at", "distrusted", "held", "last", "owed", "past")

    def __init__(self, new_owed: Callable[[], Owed], *, by_stream: bool) -> None:
        self._new_owed = new_owed
        self._by_stream = by_stream  # else all the messages of a feed without a dialect, in no order that is promised
        self.owed: dict[int, Owed] = {}  # for each connection
        self.held: dict[int, Hold] = {}  # for each that is not proven
        self.past: dict[int, Owed] = {}  # what those still owed who were not waited for any longer
        self.distrusted: set[int] = set()  # of these only messages in common prove where they stand
        self.last: Message | None = None
        self.delivered_at: float | None = None

    @property
    def has_proven(self) -> bool:
        return len(self.held) < len(self.owed)

    def flows(self, conn: int) -> bool:
        """Whether it is proven, and nothing is held of the others."""
        return conn not in self.held and not any(hold.keys for hold in self.held.values())

    def join(self, conn: int, *, proven: bool) -> None:
        """It brings what comes from here on."""
        self.owed[conn] = self._new_owed()
        if not proven:
            self.held[conn] = Hold()

    def leave(self, conn: int) -> bool:
        """It is gone. Whether that leaves nobody who is proven."""
        self.owed.pop(conn, None)
        self.past.pop(conn, None)
        self.distrusted.discard(conn)
        return self.held.pop(conn, None) is None and not self.has_proven

    def doubt(self, conn: int) -> None:
        """It may have missed something: to be proven anew, if there is another one that is proven."""
        if conn not in self.held and len(self.held) + 1 < len(self.owed):
            self.held[conn] = Hold()

    def distrust(self, conn: int) -> None:
        """What it brought lately is not at hand any more, or comes too late: it begins anew."""
        self.held[conn] = Hold()
        self.distrusted.add(conn)

    def forget_until(self, conn: int, at: float) -> None:
        """What was delivered by then it will not bring any more; what is held of it, it has brought."""
        hold = self.held.get(conn)
        self.owed[conn].forget_until(at, () if hold is None else hold.keys)
        if (past := self.past.get(conn)) is not None:
            past.forget_until(at)

    def go_on_without(self, conn: int) -> None:
        """It is not waited for any longer: what it brings of the time before is no news."""
        self.distrust(conn)
        if self.owed[conn].count:
            self.past[conn], self.owed[conn] = self.owed[conn], self._new_owed()

    def stop(self, conn: int) -> None:
        """It brings no more of this for now."""
        self.held[conn] = Hold()
        self.distrusted.discard(conn)

    def put(self, conn: int, message: Message, text: str | bytes, now: float, fresh: list[Message]) -> float | None:
        """Take a message in; append what is to be delivered. How late it came, if another one delivered it before."""
        if self.held and conn in self.held:
            self._put_unproven(conn, message, key_of(message), now, fresh)
            return None
        owed = self.owed[conn]
        if (taken := owed.take(text)) is not None:
            return now - taken
        if owed.count:
            key = key_of(message)
            if self._by_stream and key in owed.times:
                owed.skip_to(key)
            if (at := owed.bring(key)) is not None:
                return now - at
            if self._by_stream and len(self.owed) - len(self.held) > 1:
                # Behind the others, and it brings what none of them brought.
                self.held[conn] = Hold()
                self.held[conn].put(now, key, message)
                self.distrusted.add(conn)
                return None
        self._deliver(conn, message, text, now, fresh)
        return None

    def joins_last(self, conn: int) -> bool:
        """Whether the service's numbers say that what is held of it follows what was delivered last."""
        messages = self.held[conn].messages
        return bool(messages) and _joins(messages[0][2], self.last)

    def prove(self, conn: int, now: float, fresh: list[Message]) -> None:
        """From now on it is proven; append what was held of it."""
        hold = self.held.pop(conn)
        self.distrusted.discard(conn)
        for _, _, message in hold.messages:
            self.put(conn, message, text_of(message), now, fresh)

    def forget_oldest(self) -> bool:
        """Of what is owed, for want of memory. Whether there was any."""
        conn = max(self.owed, key=lambda one: self.owed[one].count)
        if not (times := self.owed[conn].times):
            return False
        self.owed[conn].forget(next(iter(times)))
        if self._by_stream:
            self.doubt(conn)
        return True

    # Inside

    def _deliver(self, conn: int, message: Message, text: str | bytes, now: float, fresh: list[Message]) -> None:
        self.last = message
        self.delivered_at = now
        fresh.append(message)
        for other, owed in self.owed.items():
            if other != conn:
                owed.put(now, text, message)
        if not any(hold.keys for hold in self.held.values()):
            return
        key = key_of(message)
        for other, hold in list(self.held.items()):
            if key in hold.keys and self.held.get(other) is hold:  # which another one's messages may have settled
                self._in_common(other, now, fresh)

    def _put_unproven(self, conn: int, message: Message, key: int, now: float, fresh: list[Message]) -> None:
        past = self.past.get(conn)
        if past is not None and past.bring(key) is not None:
            self.held[conn] = Hold()  # what it brought before is older still
            return
        hold = self.held[conn]
        hold.put(now, key, message)
        if not self.has_proven:  # nobody knows better
            self.prove(conn, now, fresh)
        elif key in self.owed[conn].times:
            self._in_common(conn, now, fresh)
        elif len(hold.messages) == 1 and conn not in self.distrusted and _joins(message, self.last):
            self.prove(conn, now, fresh)

    def _in_common(self, conn: int, now: float, fresh: list[Message]) -> None:
        """It brought a message that was delivered. With two such, in the same order, it is known where it stands: one
        alone may be a text that comes again and again, such as a heartbeat.
        """
        hold, owed = self.held[conn], self.owed[conn]
        if (first := _first_of_pair([key for _, key, _ in hold.messages], owed.times)) is None:
            return
        del self.held[conn]
        self.distrusted.discard(conn)
        before = True
        for _, key, message in hold.messages:
            if key == first:
                before = False
            # What stands before and no one else brought was for that connection only, such as the answer to a request,
            # or a snapshot of a state that is past; or it is older than the first that the feed delivered.
            if not before:
                self.put(conn, message, text_of(message), now, fresh)


def _first_of_pair(brought: list[int], delivered: dict[int, float]) -> int | None:
    """Of the keys in common the first that is followed by a different one in both."""
    common = [key for key in brought if key in delivered]
    if len(common) < 2:  # a pair
        return None
    wanted = set(common)
    places = {key: place for place, key in enumerate(key for key in delivered if key in wanted)}
    return next((one for one, two in pairwise(common) if places[one] < places[two]), None)


def text_of(message: Message) -> str | bytes:
    """As the service sent it."""
    return message.text if isinstance(message, Update) else message


def size_of(message: Message) -> int:
    """In bytes, about."""
    return len(text_of(message))


def _joins(message: Message, previous: Message | None) -> bool:
    return isinstance(message, Update) and isinstance(previous, Update) and message.joins(previous) is True
