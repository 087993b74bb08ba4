"""A simulated Binance: the market streams of spot and of USD-M futures.

As documented at https://github.com/binance/binance-spot-api-docs, web-socket-streams.md (of 2026-07-21), and at
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams (of 2026-05-28), read
2026-11-21, and as clients observed it. Streams have the names of `holdfast.dialects.binance`. Messages are always
those of combined streams.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import cast
from urllib.parse import unquote

from holdfast.testing.ledger import Publication
from holdfast.testing.rules import Rules
from holdfast.testing.service import Client, Service
from holdfast.testing.services.binance_messages import Payload, Payloads, SpotPayloads, UsdmPayloads
from holdfast.testing.services.figures import compact, object_in

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MAX_FRAME = 4096  # bytes; a longer one gets no answer (observed 2024-12)
_HEADER = 8  # bytes, of a frame of that size
_NOTICE = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1779086340000}}'


class _Binance(Service):
    """What both markets have in common.

    A name that means nothing is acknowledged, listed and silent, as at the real one; so is a stream of another route.
    """

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads

    def asked_by(self, target: str) -> Collection[str] | None:
        path, _, query = target.partition("?")
        if path.rstrip("/") not in self._paths:
            return None
        values = (pair.partition("=") for pair in query.split("&"))
        return [name for key, _, value in values if key == "streams" for name in unquote(value).split("/") if name]

    def greeting(self, client: Client) -> list[str]:
        """Nothing is said; but what the URL asks for at the wrong route comes no more than what a request does."""
        self._add(client, list(client.streams))
        return []

    def answer(self, request: str, client: Client) -> list[str]:
        if len(request.encode()) + _HEADER > _MAX_FRAME:
            return []
        asked = object_in(request)
        if asked is None:
            return [compact({"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"})]
        problem = self._problem(asked, request)
        if problem is not None:
            return [self._refused(2, f"Invalid request: {problem}", asked.get("id"))]
        if asked["method"] in ("SET_PROPERTY", "GET_PROPERTY"):
            return [self._property(asked)]
        if asked["method"] == "LIST_SUBSCRIPTIONS":
            return [_result(sorted(client.streams | client.mute), asked)]
        names = cast("list[str]", asked["params"])
        if asked["method"] == "UNSUBSCRIBE":
            client.streams.difference_update(names)
            client.mute.difference_update(names)
        elif client.max_streams is not None and len({*client.streams, *client.mute, *names}) > client.max_streams:
            return self._too_many(asked, client)
        else:
            self._add(client, names)
        return [_result(None, asked)]

    def message(self, publication: Publication, wall_time: float) -> str:
        return compact({"stream": publication.stream, "data": self.payload(publication, wall_time)})

    def payload(self, publication: Publication, wall_time: float) -> Payload:
        """What stands in the envelope."""
        return self._payloads.of(publication, wall_time)

    # What the markets differ in

    _paths: Collection[str] = ("/stream",)

    def _is_here(self, stream: str, target: str) -> bool:  # noqa: ARG002
        """Whether a connection to this target carries the stream."""
        return True

    def _is_number(self, ident: object) -> bool:
        """What a request may be numbered with."""
        raise NotImplementedError

    def _refused(self, code: int, message: str, ident: object) -> str:
        raise NotImplementedError

    def _too_many(self, asked: Mapping[str, object], client: Client) -> list[str]:
        raise NotImplementedError

    # Inside

    def _add(self, client: Client, names: Collection[str]) -> None:
        elsewhere = {name for name in names if not self._is_here(name, client.target)}
        client.mute |= elsewhere
        client.streams.difference_update(elsewhere)
        client.streams.update(set(names) - elsewhere)

    def _problem(self, asked: Mapping[str, object], request: str) -> str | None:
        """In the service's words; those about `params` are not documented."""
        at_end = f"at line 1 column {len(request)}"
        method, params = asked.get("method"), asked.get("params")
        if "method" not in asked:
            return f"missing field `method` {at_end}"
        if method not in _METHODS:
            known = ", ".join(f"`{name}`" for name in _METHODS)
            return f"unknown variant `{method}`, expected one of {known} {at_end}"
        if not self._is_number(asked.get("id")):
            return "request ID must be an unsigned integer"
        if method == "LIST_SUBSCRIPTIONS":
            return None if params in (None, []) else "too many parameters"
        if params is None:
            return f"missing field `params` {at_end}"
        if not isinstance(params, list):
            return f"invalid type: {json.dumps(params)}, expected a sequence {at_end}"
        values = cast("list[object]", params)
        if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return None if all(isinstance(name, str) for name in values) else "stream name must be a string"
        if len(values) > (2 if method == "SET_PROPERTY" else 1):
            return "too many parameters"
        return None if values and isinstance(values[0], str) else "property name must be a string"

    def _property(self, asked: Mapping[str, object]) -> str:
        name, *value = cast("list[object]", asked["params"])
        if name != "combined":
            return self._refused(0, "Unknown property", asked.get("id"))
        if asked["method"] == "GET_PROPERTY":
            return _result(True, asked)
        if len(value) != 1 or value[0] is not True:  # a real one would go over to raw messages if it was False
            return self._refused(1, "Invalid value type: expected Boolean", asked.get("id"))
        return _result(None, asked)


class BinanceSpot(_Binance):
    """Binance spot, at `/stream`."""

    rules = Rules(
        message_limit=(5, 1.0),
        dial_limit=(300, 300.0, None),
        max_streams=1024,
        ping_interval=20.0,
        pong_timeout=60.0,
        max_age=86_400.0,
        notice=_NOTICE,
        notice_before=60.0,  # how long before is not documented any more
    )

    def __init__(self) -> None:
        super().__init__(SpotPayloads())

    def _is_number(self, ident: object) -> bool:
        """A signed 64-bit integer, a short alphanumeric text, or null."""
        if isinstance(ident, str):
            return re.fullmatch("[A-Za-z0-9]{1,36}", ident) is not None
        return ident is None or (type(ident) is int and -(2**63) <= ident < 2**63)

    def _refused(self, code: int, message: str, ident: object) -> str:
        number = {"id": ident} if self._is_number(ident) and ident is not None else {}
        return compact({"code": code, "msg": message, **number})

    def _too_many(self, asked: Mapping[str, object], client: Client) -> list[str]:  # noqa: ARG002
        """Observed 2020."""
        return [compact({"error": {"code": 4, "msg": "Too many subscriptions"}, "id": asked.get("id")})]


class BinanceUsdm(_Binance):
    """Binance USD-M futures, at `/public/stream` (books, trades) and `/market/stream` (all else).

    At `/stream`, which is as it was before 2026-04, `/public` is meant.
    """

    rules = Rules(
        message_limit=(10, 1.0),
        dial_limit=(300, 300.0, None),  # not documented; that of spot
        max_streams=1024,
        ping_interval=180.0,
        pong_timeout=600.0,
        max_age=86_400.0,
    )
    _paths = ("/public/stream", "/market/stream", "/stream")

    def __init__(self) -> None:
        super().__init__(UsdmPayloads())

    def _is_here(self, stream: str, target: str) -> bool:
        on_public = re.search(r"@trade$|@rpiDepth|@depth|bookTicker$", stream, re.IGNORECASE) is not None
        return on_public is not target.startswith("/market/")

    def _is_number(self, ident: object) -> bool:
        return type(ident) is int and 0 <= ident < 2**64

    def _refused(self, code: int, message: str, ident: object) -> str:  # noqa: ARG002
        """It does not say which request it means."""
        return compact({"code": code, "msg": message})

    def _too_many(self, asked: Mapping[str, object], client: Client) -> list[str]:  # noqa: ARG002
        """Observed 2023."""
        client.ending = (1008, "subscribed channels exceeds limit")
        return []


def _result(result: object, asked: Mapping[str, object]) -> str:
    return compact({"result": result, "id": asked.get("id")})
