"""A simulated Bybit v5: public market data of one category.

As documented at https://bybit-exchange.github.io/docs/v5/ws/connect and .../docs/v5/websocket/public/, read 2026-11-21,
and as clients observed it in 2026. Streams have the names of `holdfast.dialects.bybit`, which are Bybit's. A request is
taken whole, or not at all; a book has ten levels a side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal

from holdfast.testing.ledger import Publication
from holdfast.testing.rules import Rules
from holdfast.testing.service import Client, Service
from holdfast.testing.services.figures import book, change, compact, millis, object_in, price, size, texts_in

Category = Literal["spot", "linear", "inverse", "option"]
_MOST_ARGS = 10  # of a request for spot
_MOST_OPTIONS = 2000  # of a connection
_LONGEST_ARGS = 21_000  # characters, of a connection; what is answered beyond it is not documented
_CONNECTION = "2324d924-aa4d-45b0-a858-7b8be29ab52b"
_FIRST = 1000  # updates are numbered from here, because 1 means that the service began anew
_INTERVALS = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
_DEPTHS = {"option": ("25", "100")}
_DEPTHS_ELSEWHERE = ("1", "50", "200", "1000", "rpi", "full")
_POOLS = {"linear": ("USDT", "USDC"), "inverse": ("inverse",)}


class Bybit(Service):
    """`symbols`: those that exist in this category, such as `BTCUSDT`; None for all that look like one."""

    rules = Rules(
        dial_limit=(500, 300.0, None),
        dial_limit_status=403,
        # "If there is no ping-pong and no stream data sent": documented for 10 minutes; some were cut earlier.
        idle=(600.0, 1000, "inactive"),
    )

    def __init__(self, category: Category = "spot", symbols: Collection[str] | None = None) -> None:
        self._category = category
        self._symbols = symbols

    def asked_by(self, target: str) -> Collection[str] | None:
        return [] if target.partition("?")[0] == f"/v5/public/{self._category}" else None

    def answer(self, request: str, client: Client) -> list[str]:
        asked = object_in(request)
        if asked is None:
            return [self._refused("Failed to decode incoming data:readObjectStart: expect { or n", {}, "")]
        operation, number = asked.get("op"), {"req_id": asked["req_id"]} if isinstance(asked.get("req_id"), str) else {}
        if operation == "ping":
            return [self._pong(number, client)]
        if operation not in ("subscribe", "unsubscribe"):
            return [self._refused("error:invalid op", number, "")]
        topics = list(dict.fromkeys(texts_in(asked.get("args"))))
        if operation == "unsubscribe":
            client.streams.difference_update(topics)
            return [self._taken("unsubscribe", topics, number)]
        if self._category == "option":
            fits = len({*client.streams, *topics}) <= _MOST_OPTIONS
            bad = [topic for topic in topics if not self._exists(topic) or not fits]
            return [_option_answer([], bad)] if bad else self._added(topics, number, client)
        problem = self._problem(topics, client)
        return [self._refused(problem, number, "subscribe")] if problem else self._added(topics, number, client)

    def message(self, publication: Publication, wall_time: float) -> str:
        return self._message(publication, wall_time, first=False)

    # Inside

    def _added(self, topics: list[str], number: dict[str, Any], client: Client) -> list[str]:
        """The acknowledgement, then a snapshot of each stream that begins with one."""
        client.streams.update(topics)
        snapshots = [
            self._message(client.latest(topic) or Publication(topic, 0, 0.0), client.wall_time, first=True)
            for topic in topics
            if topic.startswith(("orderbook.", "tickers.")) and not topic.startswith("orderbook.full.")
        ]
        return [self._taken("subscribe", topics, number), *snapshots]

    def _problem(self, topics: list[str], client: Client) -> str | None:
        """What is wrong with a request; of several topics that are, the first is named."""
        if self._category == "spot" and len(topics) > _MOST_ARGS:
            return f"args size >{_MOST_ARGS}"
        for topic in topics:
            if not self._exists(topic):
                return f"error:handler not found,topic:{topic}"
            if topic in client.streams:
                return f"error:already subscribed,topic:{topic}"
        if len(compact(sorted({*client.streams, *topics}))) > _LONGEST_ARGS:
            return f"error:args length >{_LONGEST_ARGS}"
        return None

    def _exists(self, topic: str) -> bool:
        kind, _, rest = topic.partition(".")
        if kind in ("insurance", "adlAlert"):
            return rest in _POOLS.get(self._category, ())
        if kind in ("kline", "orderbook"):
            parameter, _, rest = rest.partition(".")
            depths = _DEPTHS.get(self._category, _DEPTHS_ELSEWHERE)
            if parameter not in (_INTERVALS if kind == "kline" else depths):
                return False
        if kind == "allLiquidation" and self._category == "spot":
            return False
        if kind in ("kline", "priceLimit", "allLiquidation") and self._category == "option":
            return False
        return kind in _DATA and self._is_symbol(rest, by_coin=self._category == "option" and kind == "publicTrade")

    def _is_symbol(self, symbol: str, *, by_coin: bool) -> bool:
        if by_coin or self._symbols is None:
            return symbol == symbol.upper() and symbol.replace("-", "").isalnum() and not (by_coin and "-" in symbol)
        return symbol in self._symbols

    def _taken(self, operation: str, topics: list[str], number: dict[str, Any]) -> str:
        if self._category == "option":
            return _option_answer(topics, [])
        words = operation if self._category == "spot" else ""
        return compact({"success": True, "ret_msg": words, "conn_id": _CONNECTION, **number, "op": operation})

    def _refused(self, reason: str, number: dict[str, Any], operation: str) -> str:
        return compact({"success": False, "ret_msg": reason, "conn_id": _CONNECTION, **number, "op": operation})

    def _pong(self, number: dict[str, Any], client: Client) -> str:
        """Spot does not repeat the number."""
        if self._category == "option":
            return compact({"args": [str(millis(client.wall_time))], "op": "pong"})
        number = {} if self._category == "spot" else number
        return compact({"success": True, "ret_msg": "pong", "conn_id": _CONNECTION, **number, "op": "ping"})

    def _message(self, publication: Publication, wall_time: float, *, first: bool) -> str:
        topic, now = publication.stream, millis(wall_time)
        kind, _, rest = topic.partition(".")
        data, extra = _DATA[kind](rest, publication, now, first)
        changes = kind == "orderbook" and not rest.startswith("1.") and not first
        changes |= kind == "tickers" and self._category in ("linear", "inverse") and not first
        if kind == "tickers" and changes:
            data = {"symbol": data["symbol"], "lastPrice": data["lastPrice"]}
        elif kind == "tickers" and self._category == "option":
            data = {name.replace("1", ""): value for name, value in data.items()}  # it has no bid1Price
        head = {"id": f"{topic}-{publication.sequence}-{now}"} if self._category == "option" else {}
        return compact(
            {**head, "topic": topic, "type": "delta" if changes else "snapshot", "ts": now, "data": data, **extra}
        )


def _option_answer(taken: list[str], failed: list[str]) -> str:
    told = {"failTopics": failed, "successTopics": taken}
    return compact({"success": not failed, "conn_id": _CONNECTION, "data": told, "type": "COMMAND_RESP"})


_Data = tuple[Any, dict[str, Any]]


def _trade(symbol: str, publication: Publication, now: int, _: bool) -> _Data:
    number = publication.sequence
    told = {"T": now, "s": symbol, "S": ("Buy", "Sell")[number % 2], "v": size(number), "L": "PlusTick"}
    ident = f"20f43950-d8dd-5b31-9112-{number:012}"
    rest = {"i": ident, "BT": False, "RPI": False, "seq": 7 * number}
    return [{**told, "p": price(publication.stream, number), **rest}], {}


def _book(rest: str, publication: Publication, now: int, first: bool) -> _Data:
    depth, _, symbol = rest.partition(".")
    sequence = publication.sequence
    whole = book(sequence)
    told: dict[str, list[Any]] = {"b": [], "a": []}
    if depth == "1":
        told = {"b": whole["bids"][:1], "a": whole["asks"][:1]}
    elif first:
        told = {"b": whole["bids"], "a": whole["asks"]}
    else:
        side, level = change(sequence)
        told[side[0]] = [level]
    if depth == "rpi":
        told = {side: [(*level, "0") for level in levels] for side, levels in told.items()}
    return {"s": symbol, **told, "u": _FIRST + sequence, "seq": 7 * sequence}, {"cts": now - 2}


def _ticker(symbol: str, publication: Publication, now: int, _: bool) -> _Data:
    at = price(publication.stream, publication.sequence)
    day = {
        "prevPrice24h": at,
        "highPrice24h": at,
        "lowPrice24h": at,
        "volume24h": "6780.8",
        "turnover24h": "141946527.2",
    }
    best = {"bid1Price": at, "bid1Size": "23.1", "ask1Price": at, "ask1Size": size(publication.sequence)}
    marks = {"markPrice": at, "indexPrice": at, "fundingRate": "-0.005", "nextFundingTime": str(now // 1000 * 1000)}
    return {"symbol": symbol, "lastPrice": at, **day, **best, **marks}, {"cs": _FIRST + publication.sequence}


def _kline(rest: str, publication: Publication, now: int, _: bool) -> _Data:
    interval = rest.partition(".")[0]
    length = (int(interval) if interval.isdigit() else 1440) * 60_000
    start = now // length * length
    at = price(publication.stream, publication.sequence)
    prices = {"open": at, "close": at, "high": at, "low": at}
    amount = {"volume": str(publication.sequence), "turnover": str(publication.sequence * 100), "confirm": False}
    times = {"start": start, "end": start + length - 1, "interval": interval}
    return [{**times, **prices, **amount, "timestamp": now}], {}


def _liquidation(symbol: str, publication: Publication, now: int, _: bool) -> _Data:
    at = price(publication.stream, publication.sequence)
    return [{"T": now, "s": symbol, "S": "Sell", "v": size(publication.sequence), "p": at}], {}


def _limit(symbol: str, publication: Publication, _: int, __: bool) -> _Data:
    at = price(publication.stream, publication.sequence)
    return {"symbol": symbol, "buyLmt": at, "sellLmt": at}, {}


def _pool(coin: str, publication: Publication, now: int, _: bool) -> _Data:
    balance = str(publication.sequence)
    return [{"coin": coin, "symbols": "GOATUSDT", "balance": balance, "updateTime": str(now)}], {}


def _alert(coin: str, publication: Publication, _: int, __: bool) -> _Data:
    ratios = {"i_pr": -0.3, "pr": 0, "adl_tt": 10000, "adl_sr": -0.25}
    return [{"c": coin, "s": "GOATUSDT", "b": publication.sequence, "mb": publication.sequence, **ratios}], {}


_DATA: dict[str, Callable[[str, Publication, int, bool], _Data]] = {  # by kind of topic
    "publicTrade": _trade,
    "orderbook": _book,
    "tickers": _ticker,
    "kline": _kline,
    "allLiquidation": _liquidation,
    "priceLimit": _limit,
    "insurance": _pool,
    "adlAlert": _alert,
}
