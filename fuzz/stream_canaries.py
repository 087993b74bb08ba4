"""Machines with a planted fault that shows where there are streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

from fuzz.canary import after, canary
from fuzz.checkers.p05_silence_mended import SilenceMended
from fuzz.checkers.p06_as_wanted import AsWanted
from fuzz.dialect import Spoken
from holdfast import MessageWindow, Patience, ServiceLimits, Subscribing, SubscriptionRefused
from holdfast.connection.connection import Connection
from holdfast.connection.pacer import Pacer
from holdfast.dialects.words import Acknowledged, Heartbeat
from holdfast.fleet import Fleet
from holdfast.supervisor.leg import Leg
from holdfast.supervisor.stream_watch import StreamWatch, Watched
from holdfast.supervisor.streams import Streams
from holdfast.supervisor.subscriptions import Kind, Request, Subscriptions
from holdfast.testing import Rules

_WATCHED = Spoken(batch=3, patient=Patience(silence=30.0))
_UNWATCHED = Spoken(batch=3, lists=False)
_ONE_BY_ONE = Spoken(batch=1, limits=ServiceLimits(message_window=MessageWindow(5, 1.0)))
_HEARTBEATS = Rules(heartbeat=5.0)


@canary(5, "mute_stream", spoken=_WATCHED, rules=_HEARTBEATS, checkers=(SilenceMended,))
def acknowledgement_feeds_the_watch() -> Iterator[None]:
    def feed(self: Streams, word: object, now: float) -> None:
        if isinstance(word, Acknowledged):
            for watched in self._watch.streams.values():
                watched.heard_at = now

    with after(Streams, "_hear", feed):
        yield


@canary(5, "mute", spoken=_WATCHED, rules=_HEARTBEATS, checkers=(SilenceMended,))
def heartbeats_are_data() -> Iterator[None]:
    def feed(self: Leg, messages: list[str], nbytes: int, now: float) -> None:
        if self.streams and any(isinstance(self.streams._dialect.read(message), Heartbeat) for message in messages):
            self.data.arrived(now)

    with after(Leg, "deliver", feed):
        yield


@canary(5, "mute_stream", spoken=_WATCHED)
def calls_a_stream_silent_too_early() -> Iterator[None]:
    original: Any = Watched.limit
    with patch.object(Watched, "limit", property(lambda self: original.fget(self) / 4)):
        yield


@canary(5, "stall", "hiccups", "mute", spoken=_WATCHED, stall_after=1.0)
def blames_a_stream_for_our_stalls() -> Iterator[None]:
    with patch.object(StreamWatch, "excuse", lambda self, late: None):
        yield


@canary(5, "mute_stream", spoken=_WATCHED)
def never_asks_for_a_silent_stream_again() -> Iterator[None]:
    with patch.object(Subscriptions, "ask_again", lambda self, streams: None):
        yield


@canary(5, "mute_stream", spoken=_WATCHED)
def keeps_a_connection_that_does_not_help() -> Iterator[None]:
    """The ladder has one step."""

    def silent(self: StreamWatch, now: float) -> list[Any]:
        return [replace(one, step=0) for one in original(self, now)]

    original = StreamWatch.silent
    with patch.object(StreamWatch, "silent", silent):
        yield


@canary(6, "lose_replies", spoken=_UNWATCHED, subscribing=Subscribing(ack_timeout=5.0, audit_every=None))
def never_asks_again() -> Iterator[None]:
    def init(self: Request, kind: Kind, streams: Any, deadline: float) -> None:
        original(self, kind, streams, float("inf"))

    original = Request.__init__
    with patch.object(Request, "__init__", init):
        yield


@canary(6, "reset", spoken=_UNWATCHED, subscribing=Subscribing(audit_every=None), checkers=(AsWanted,))
def forgets_subscriptions_on_reconnect() -> Iterator[None]:
    """It takes the new connection for the old one, which had them all."""
    made = count()

    def forget(self: Subscriptions, dialect: Any, wanted: dict[str, None], *rest: Any) -> None:
        if next(made):
            self.held.update(wanted)
            self.changed()

    with after(Subscriptions, "__init__", forget):
        yield


@canary(6, "reset", spoken=_ONE_BY_ONE, rules=Rules(message_limit=(5, 1.0)))
def ignores_the_window_on_replay() -> Iterator[None]:
    def take(self: Pacer, now: float) -> list[bytes]:
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    with patch.object(Pacer, "take", take), patch.object(Connection, "may_send_at", lambda self, now: now):
        yield


@canary(6, "ban", spoken=_UNWATCHED)
def keeps_asking_for_what_is_refused() -> Iterator[None]:
    def ask(self: Subscriptions, streams: Any) -> None:
        self.refused.difference_update(streams)
        self.changed()

    with after(Subscriptions, "_refuse", ask):
        yield


@canary(6, "ban", spoken=_UNWATCHED)
def tells_of_no_refusal() -> Iterator[None]:
    def emit(self: Leg, event: Any) -> None:
        if not isinstance(event, SubscriptionRefused):
            original(self, event)

    original = Leg.emit
    with patch.object(Leg, "emit", emit):
        yield


@canary(6, "user", spoken=_UNWATCHED)
def keeps_what_is_not_wanted_any_more() -> Iterator[None]:
    with patch.object(Subscriptions, "_is_wanted", lambda self, stream: True):
        yield


@canary(6, "user", "lose_replies", spoken=_UNWATCHED)
def forgets_who_waits() -> Iterator[None]:
    with patch.object(Fleet, "remind", lambda self, at: None):
        yield
