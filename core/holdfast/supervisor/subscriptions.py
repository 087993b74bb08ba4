"""What one connection is subscribed to, and what must be asked so that it becomes what is wanted. No clock of its own.

Desired state: the feed keeps what is wanted; here each stream of a connection is absent, asked for, held (acknowledged)
or being dropped. `next_request` gives one request at a time for the difference; the answers come in as the dialect read
them. What is not acknowledged in time is asked again; a refusal of several streams that does not say which of them is
taken apart until it does.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum

from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import Acknowledged, Listed, Refused
from holdfast.settings import Subscribing


class Kind(Enum):
    """What a request wants."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    LIST = "list"


class Request:
    """One that was sent. `open` are the streams of it that nobody has answered for."""

    __slots__ = ("deadline", "kind", "open")

    def __init__(self, kind: Kind, streams: Iterable[str], deadline: float) -> None:
        self.kind = kind
        self.open = set(streams)
        self.deadline = deadline


class Subscriptions:
    """Of one connection. `held` are the streams that the service acknowledged; `refused` those it will not give."""

    def __init__(
        self, dialect: Dialect, wanted: dict[str, None], setting: Subscribing, asked_by_url: Iterable[str], now: float
    ) -> None:
        self.held: set[str] = set(asked_by_url)
        self.refused: set[str] = set()
        self._dialect = dialect
        self._wanted = wanted  # the feed's; it changes
        self._setting = setting
        self._requests: dict[int, Request] = {}
        self._busy: dict[str, int] = {}  # streams of unanswered requests, and the number of the request
        self._again: set[str] = set()  # held, but to be dropped and asked for anew
        self._dropping: set[str] = set()  # held, and to be ended by a request that was sent
        self._doubtful: set[str] = set()  # asked for, and not answered: they may be there, or not
        self._asks: dict[str, int] = {}  # how often in vain
        self._together: dict[str, int] = {}  # with how many at most a stream is asked for, after a refusal of more
        self._plan: deque[tuple[Kind, tuple[str, ...]]] = deque()
        self._number = 0
        self._audit_at = math.inf if setting.audit_every is None else now + setting.audit_every
        self._always = tuple(dialect.limits.always)
        self._in_turn = dialect.limits.in_turn
        self._left_out: tuple[str, ...] = ()  # of the latest list, and asked for often enough
        self.changed()

    # What the feed wants

    def changed(self) -> None:
        """What is wanted has changed: plan anew."""
        busy, held = self._busy, self.held
        unwanted = [stream for stream in held if not self._is_wanted(stream) or stream in self._again]
        unwanted += [stream for stream in self._doubtful - held if not self._is_wanted(stream)]
        absent = [stream for stream in (*self._always, *self._wanted) if stream not in held]
        self._plan.clear()
        # Dropping first makes room where the service counts streams.
        for kind, streams in ((Kind.UNSUBSCRIBE, sorted(unwanted)), (Kind.SUBSCRIBE, absent)):
            free = [stream for stream in streams if stream not in busy and stream not in self.refused]
            for group in self._taken_apart(free):
                self._plan.extend((kind, tuple(batch)) for batch in self._dialect.batches(group))

    def ask_again(self, streams: Iterable[str]) -> None:
        """Drop these and ask for them anew: they are acknowledged, and bring nothing."""
        self._again.update(stream for stream in streams if stream in self.held)
        self.changed()

    def forgive(self, streams: Iterable[str]) -> None:
        """Ask for these even if they were refused before."""
        self.refused.difference_update(streams)

    # What is to be sent

    @property
    def has_request(self) -> bool:
        return bool(self._plan) and not (self._in_turn and self._waiting())

    @property
    def about_to_drop(self) -> tuple[str, ...]:
        """The streams of the next request, if it ends them."""
        kind, streams = self._plan[0]
        return streams if kind is Kind.UNSUBSCRIBE else ()

    def may_be_dropped(self, stream: str) -> bool:
        """Whether it was asked to end it, and nobody has said yet whether that was done."""
        return stream in self._dropping

    def next_request(self, now: float) -> str:
        """The text of the next request; it counts as sent."""
        kind, streams = self._plan.popleft()
        number = self.next_number()
        self._requests[number] = Request(kind, streams, now + self._setting.ack_timeout)
        for stream in streams:
            self._busy[stream] = number
        if kind is Kind.SUBSCRIBE:
            return self._dialect.subscribe(streams, number)
        self._dropping.update(streams)
        return self._dialect.unsubscribe(streams, number)

    def audit(self, now: float) -> str | None:
        """The text of a question what we are subscribed to, if it is time for one, and the service can say."""
        assert self._setting.audit_every is not None
        self._audit_at = now + self._setting.audit_every
        if self._busy or self._plan:
            return None  # the answer would be out of date
        number = self.next_number()
        text = self._dialect.list_streams(number)
        if text is None:
            self._audit_at = math.inf
        else:
            self._requests[number] = Request(Kind.LIST, (), now + self._setting.ack_timeout)
        return text

    def next_number(self) -> int:
        """A number for one more request, or for a message of another kind, such as a ping."""
        self._number += 1
        return self._number

    @property
    def number(self) -> int:
        """The latest number."""
        return self._number

    # What the service answers

    def acknowledged(self, word: Acknowledged) -> tuple[list[str], list[str]]:
        """The streams that are held now, and were not, and those that are not any more."""
        request = self._requests.get(word.request) if word.request is not None else None
        if request is None:
            if word.streams is None:
                return [], []
            streams = list(word.streams)
            dropped = word.dropped or {self._kind_of_busy(stream) for stream in streams} == {Kind.UNSUBSCRIBE}
            kind = Kind.UNSUBSCRIBE if dropped else Kind.SUBSCRIBE
        else:
            kind = request.kind
            streams = sorted(request.open if word.streams is None else word.streams)
        settled = self._settle(kind, streams)
        if request is not None and word.rest_again:
            self._ask_rest_again(request)
        return settled

    def listed(self, word: Listed) -> tuple[list[str], list[str]]:
        """Likewise. What is being asked for just now is settled by it only where the service acknowledges in this way,
        without a number.
        """
        if word.request is not None:
            self._requests.pop(word.request, None)
        fresh = word.streams - self.held
        gone = self.held - word.streams
        if word.request is not None:
            fresh = frozenset(stream for stream in fresh if stream not in self._busy)
            gone = {stream for stream in gone if stream not in self._busy}
        else:
            # It may have been sent before our request arrived: one for which we wait is not gone.
            gone = {stream for stream in gone if self._kind_of_busy(stream) is not Kind.SUBSCRIBE}
            fresh = frozenset(stream for stream in fresh if self._kind_of_busy(stream) is not Kind.UNSUBSCRIBE)
        new, _ = self._settle(Kind.SUBSCRIBE, sorted(fresh))
        _, lost = self._settle(Kind.UNSUBSCRIBE, sorted(gone))
        if self._in_turn and word.request is None:
            self._answer_left_out()
        self.changed()
        return new, lost

    def left_out(self) -> Refused | None:
        """What the latest list should have brought, and never does."""
        streams, self._left_out = self._left_out, ()
        return Refused("not in the list of what is subscribed", None, streams) if streams else None

    def refuse(self, word: Refused) -> list[str]:
        """The streams that the service will not give. Where it does not say which, there may be none yet."""
        number = word.request if word.request in self._requests else self._only_request()
        if number is None:
            return self._refuse(word.streams or ())
        request = self._requests[number]
        streams = sorted(request.open if word.streams is None else request.open.intersection(word.streams))
        if request.kind is Kind.UNSUBSCRIBE:
            self._settle(Kind.UNSUBSCRIBE, streams)  # what it does not know, it does not send
            return []
        if word.rest_again:
            refused = self._refuse(streams)
            self._ask_rest_again(request)
            return refused
        if word.streams is None and len(streams) > 1:
            self._answered(streams)
            self._not_in_vain(streams)
            self._together.update(dict.fromkeys(streams, len(streams) // 2))
            self.changed()
            return []
        return self._refuse(streams)

    # Time

    def next_deadline(self) -> float:
        return min(self._audit_at, min((request.deadline for request in self._requests.values()), default=math.inf))

    @property
    def audit_at(self) -> float:
        return self._audit_at

    def overdue(self, now: float) -> list[str]:
        """Give up waiting for requests whose time has come; the streams that were asked for too often in vain."""
        late = [number for number, request in self._requests.items() if request.deadline <= now]
        hopeless: list[str] = []
        for number in late:
            request = self._requests.pop(number)
            # Whether it was carried out nobody knows: what was to go may be gone, and what was to come may be there.
            if request.kind is Kind.UNSUBSCRIBE:
                self._again.update(request.open & self.held)
            else:
                self._doubtful.update(request.open - self.held)
            for stream in request.open:
                self._busy.pop(stream, None)
                self._asks[stream] = self._asks.get(stream, 0) + 1
                if self._asks[stream] >= self._setting.max_asks:
                    hopeless.append(stream)
        if late:
            self.changed()
        return sorted(hopeless)

    def stalled(self, late: float) -> None:
        """For `late` seconds we did not look: nobody else pays for that."""
        for request in self._requests.values():
            request.deadline += late

    def resumed(self, now: float) -> None:
        """Until now we did not read: the answers may be there, unread."""
        for request in self._requests.values():
            request.deadline = max(request.deadline, now + self._setting.ack_timeout)

    def is_settled(self) -> bool:
        """Whether all that is wanted is held, or was refused."""
        return not self._plan and not self._busy

    def state_of(self, stream: str) -> str:
        """In one word, for people."""
        if stream in self.refused:
            return "refused"
        if stream in self._busy:
            return "asked"
        return "subscribed" if stream in self.held else "wanted"

    # Inside

    def _taken_apart(self, streams: list[str]) -> list[list[str]]:
        """In groups no larger than each of them allows."""
        groups: list[list[str]] = [[stream for stream in streams if stream not in self._together]]
        room = 0
        for stream in streams:
            allowed = self._together.get(stream)
            if allowed is None:
                continue
            if not 0 < room <= allowed:
                groups.append([])
                room = allowed
            groups[-1].append(stream)
            room -= 1
        return [group for group in groups if group]

    def _ask_rest_again(self, request: Request) -> None:
        self._answered(sorted(request.open))
        self.changed()

    def _is_wanted(self, stream: str) -> bool:
        return stream in self._wanted or stream in self._always

    def _kind_of_busy(self, stream: str) -> Kind | None:
        number = self._busy.get(stream)
        request = self._requests.get(number) if number is not None else None
        return request.kind if request is not None else None

    def _waiting(self) -> list[int]:
        """The requests for which something is to change."""
        return [number for number, request in self._requests.items() if request.kind is not Kind.LIST]

    def _only_request(self) -> int | None:
        """The one that an answer without a number must mean."""
        waiting = self._waiting()
        return waiting[0] if len(waiting) == 1 else None

    def _answer_left_out(self) -> None:
        """A list came, and with it the answer to our one request: what is missing is asked for again, a few times."""
        number = self._only_request()
        if number is None or (request := self._requests[number]).kind is not Kind.SUBSCRIBE:
            return
        missing = sorted(request.open)
        for stream in missing:
            self._asks[stream] = self._asks.get(stream, 0) + 1
        self._left_out = tuple(stream for stream in missing if self._asks[stream] >= self._setting.max_asks)
        self._answered([stream for stream in missing if stream not in self._left_out])

    def _settle(self, kind: Kind, streams: Sequence[str]) -> tuple[list[str], list[str]]:
        new: list[str] = []
        gone: list[str] = []
        for stream in streams:
            self._asks.pop(stream, None)
            self._together.pop(stream, None)
            self._doubtful.discard(stream)
            if kind is Kind.SUBSCRIBE and stream not in self.held:
                self.held.add(stream)
                new.append(stream)
            elif kind is Kind.UNSUBSCRIBE:
                self._again.discard(stream)
                self._dropping.discard(stream)
                if stream in self.held:
                    self.held.discard(stream)
                    gone.append(stream)
        self._answered(streams)
        if not all(map(self._is_wanted, new)) or any(map(self._is_wanted, gone)):
            self.changed()
        return new, gone

    def _answered(self, streams: Sequence[str]) -> None:
        for stream in streams:
            number = self._busy.pop(stream, None)
            request = self._requests.get(number) if number is not None else None
            if request is not None:
                request.open.discard(stream)
                if not request.open:
                    del self._requests[number]  # type: ignore[arg-type]  # it was found by it

    def _refuse(self, streams: Sequence[str]) -> list[str]:
        refused = [stream for stream in streams if stream not in self.refused]
        self.refused.update(refused)
        self.held.difference_update(refused)
        self._doubtful.difference_update(refused)
        self._answered(streams)
        self._not_in_vain(streams)
        return refused

    def _not_in_vain(self, streams: Iterable[str]) -> None:
        """A refusal is an answer."""
        for stream in streams:
            self._asks.pop(stream, None)
