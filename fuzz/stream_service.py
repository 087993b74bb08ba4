"""The other side of the dialect: a service with streams, and what it does wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from fuzz.dialect import Spoken, streams_of
from holdfast.testing import Client, Publication
from holdfast.testing.service import HEARTBEAT, MAX_STREAMS, CombinedStreams

_NOT_COUNTED = ('{"ok"', '{"no"', '{"ask"', '{"event"')
_BEGUN_FOR = 900.0  # seconds, at least
_EVERY_SO_MANY = 10  # heartbeats there is one that wants an answer


class PlainService(CombinedStreams):
    """Only what checkers need in a message; building JSON would take most of a voyage's time."""

    def message(self, publication: Publication, wall_time: float) -> str:
        return f'{{"stream":"{publication.stream}","t":{publication.sequence}}}'


class StreamService(PlainService):
    """Speaks as `spoken` says. `clock` gives the simulated time, `clients` those whose connections are open.

    `banned`: streams that it refuses. `dark`: those that it acknowledges, and does not send. `break_in`: after so many
    more requests it calls `break_off`, which cuts the connection; None for never.
    """

    def __init__(
        self,
        spoken: Spoken,
        clock: Callable[[], float],
        clients: Callable[[], list[Client]],
        break_off: Callable[[], None],
    ) -> None:
        self.banned: set[str] = set()
        self.dark: set[str] = set()
        self.break_in: int | None = None
        self.client: Client | None = None  # to whom it does wrong: the latest, unless another is chosen
        self.clients = clients
        self._spoken = spoken
        self._clock = clock
        self._break_off = break_off
        self._absent: dict[str, list[_Absence]] = {}
        self._lasting: list[_Absence] = []  # those that are not over
        self._opened_at = clock()
        self._begun: dict[str, int] = {}  # what comes off a stream's count to give its number
        self._begun_at: dict[str, float] = {}  # when that was anew

    # What it says

    def message(self, publication: Publication, wall_time: float) -> str:
        text = super().message(publication, wall_time)
        if not self._spoken.numbers:
            return text
        return f'{text[:-1]},"n":{self.number_of(publication.stream, publication.sequence)}}}'

    def number_of(self, stream: str, sequence: int) -> int:
        """What it would call that message now."""
        return sequence - self._begun.get(stream, 0)

    def numbered(self, text: str, number: int) -> str:
        return f'{text[:-1]},"p":{number}}}' if self._spoken.limits.counts and self.counts(text) else text

    def counts(self, text: str) -> bool:
        """As a dialect can tell the number of."""
        return not text.startswith(_NOT_COUNTED)

    # What it is asked

    def asked_by(self, target: str) -> Collection[str]:
        return streams_of(target)

    def greeting(self, client: Client) -> list[str]:
        self.client = client
        there = {id(one) for one in self.clients()}
        self._end_absences(lambda absence: id(absence.client) not in there)
        for stream in sorted(client.streams & self.dark):
            self._mute(stream, client)
        return []

    def heartbeat(self, number: int) -> str:
        """Three kinds of what is no data."""
        if number % _EVERY_SO_MANY == 0:
            return json.dumps({"ask": number})
        return json.dumps({"ok": "sub", "id": 0}) if number % 2 and self._spoken.numbered else HEARTBEAT

    def answer(self, request: str, client: Client) -> list[str]:
        told = cast("dict[str, Any]", json.loads(request))
        if "ping" in told:
            return ['{"pong":1}']
        if "answer" in told:
            return []
        number = {"id": told["id"]} if self._spoken.numbered else {}
        if "list" in told:
            return [self._have(client, **number)]
        if self.break_in is not None:
            self.break_in -= 1
            if self.break_in <= 0:
                self.break_in = None
                self._break_off()
        if "unsub" in told:
            for stream in told["unsub"]:
                self._drop(stream, client)
            return self._acknowledge("unsub", told["unsub"], client, number)
        return self._subscribe(told["sub"], client, number)

    def _subscribe(self, streams: list[str], client: Client, number: dict[str, int]) -> list[str]:
        limit = MAX_STREAMS if client.max_streams is None else client.max_streams
        if self._spoken.acks == "whole":
            whole = len(self.held(client).union(streams)) <= limit and not self.banned.intersection(streams)
            taken, refused = (streams, []) if whole else ([], streams)
        else:
            taken, refused = [], list[str]()
            for stream in streams:
                room = stream in self.held(client) or len(self.held(client).union(taken)) < limit
                (taken if room and stream not in self.banned else refused).append(stream)
        for stream in taken:
            self._serve(stream, client)
        answers = self._acknowledge("sub", taken, client, number) if taken or self._spoken.acks == "snapshot" else []
        if refused:
            names = {} if self._spoken.acks == "whole" else {"streams": refused}
            answers.append(json.dumps({"no": "not here", **number, **names}))
        return answers

    def _acknowledge(self, how: str, streams: list[str], client: Client, number: dict[str, int]) -> list[str]:
        if self._spoken.acks == "snapshot":
            return [self._have(client)]
        if self._spoken.acks == "whole":
            return [json.dumps({"ok": how, **number})]
        return [json.dumps({"ok": how, **number, "streams": [stream]}) for stream in streams]

    # What it does, and does wrong

    def served(self) -> set[str]:
        """What it believes that the chosen client is subscribed to."""
        return self.held(self.client) if self.client is not None else set()

    def choose(self, number: int) -> None:
        """Do wrong to this one of its clients from now on, until there is a new one."""
        if clients := self.clients():
            self.client = clients[number % len(clients)]

    def lose(self, stream: str) -> None:
        """The subscription is gone, and nobody is told."""
        if self.client is not None and stream in self.served():
            self._drop(stream, self.client)
            self._note_absent(stream, self.client)

    def mute(self, stream: str) -> None:
        """It is subscribed to, and brings nothing, on this connection, before it is asked for anew."""
        if self.client is not None:
            self._mute(stream, self.client)

    def darken(self, stream: str) -> None:
        """It brings nothing, whatever a client does about it."""
        self.dark.add(stream)
        for client in self.clients():
            self._mute(stream, client)

    def light(self, stream: str) -> None:
        """It goes on for whoever has it."""
        if stream in self.dark:
            self.dark.discard(stream)
            for client in self.clients():
                if stream in client.mute:
                    self._drop(stream, client)
                    self._serve(stream, client)

    def begin_anew(self, stream: str, published: int, number: int) -> None:
        """Its next message has this number, the last one of so many that were published. Not again at once: who goes by
        the numbers alone could not tell which is meant.
        """
        if self._clock() - self._begun_at.get(stream, self._opened_at) >= _BEGUN_FOR:
            self._begun_at[stream] = self._clock()
            self._begun[stream] = published + 1 - number

    def leave_out(self, stream: str, count: int) -> None:
        """So many numbers, which nothing has."""
        self._begun[stream] = self._begun.get(stream, 0) - count

    def heal(self) -> None:
        """No more mistakes. Subscriptions that were lost stay so."""
        self.banned.clear()
        self.break_in = None
        for stream in sorted(self.dark):
            self.light(stream)

    def was_absent(self, stream: str, at: float) -> bool:
        """Whether a stream was not sent at that time, though it was said to be."""
        return any(one.since <= at <= one.until for one in self._absent.get(stream, ()))

    def held(self, client: Client) -> set[str]:
        """What it believes that this one is subscribed to."""
        return client.streams | client.mute

    def _have(self, client: Client, **number: int) -> str:
        return json.dumps({"have": sorted(self.held(client)), **number})

    def _mute(self, stream: str, client: Client) -> None:
        if stream in client.streams:
            client.streams.discard(stream)
            client.mute.add(stream)
            self._note_absent(stream, client)

    def _serve(self, stream: str, client: Client) -> None:
        if stream in client.mute:
            return  # it is subscribed to already, as far as it knows
        self._end_absences(lambda absence: absence.client is client and absence.stream == stream)
        client.streams.add(stream)
        if stream in self.dark:
            self._mute(stream, client)

    def _drop(self, stream: str, client: Client) -> None:
        client.streams.discard(stream)
        client.mute.discard(stream)

    def _note_absent(self, stream: str, client: Client) -> None:
        absence = _Absence(stream, client, self._clock())
        self._absent.setdefault(stream, []).append(absence)
        self._lasting.append(absence)

    def _end_absences(self, is_over: Callable[[_Absence], bool]) -> None:
        for absence in self._lasting:
            if is_over(absence):
                absence.until = self._clock()
        self._lasting = [absence for absence in self._lasting if absence.until == math.inf]


@dataclass(slots=True)
class _Absence:
    """A stream was not sent to a client that had been told that it would be."""

    stream: str
    client: Client
    since: float
    until: float = math.inf
