"""Whether a name is one that Bybit has, and what it should be instead; names as helpers make them."""

from __future__ import annotations

from holdfast.dialects.bybit.topics import TOPICS, Category, Topic
from holdfast.errors import ConfigError

_EXAMPLES: dict[Category, str] = {
    "spot": "BTCUSDT",
    "linear": "BTCUSDT",
    "inverse": "BTCUSD",
    "option": "BTC-26DEC25-90000-C",
}
_RENAMED = {"trade": "publicTrade", "liquidation": "allLiquidation", "ticker": "tickers", "book": "orderbook"}


def public_trade(symbol: str) -> str:
    """The name of a stream of trades; of options, by base coin."""
    return f"publicTrade.{symbol}"


def orderbook(symbol: str, depth: int | str = 50) -> str:
    """The name of a stream of a book. The best prices (depth 1) come whole each time; of 50, 200 and 1000 levels, and
    of `rpi`, comes first all of it, then changes; of `full`, changes alone. Options have 25 and 100.
    """
    return f"orderbook.{depth}.{symbol}"


def tickers(symbol: str) -> str:
    """The name of a stream of prices and 24 hours; of contracts first all of it, then what changed."""
    return f"tickers.{symbol}"


def kline(symbol: str, interval: int | str = 1) -> str:
    """The name of a stream of candles. `interval`: minutes, or `D`, `W`, `M`."""
    return f"kline.{interval}.{symbol}"


def all_liquidation(symbol: str) -> str:
    """The name of a stream of liquidations; of linear and inverse contracts."""
    return f"allLiquidation.{symbol}"


def check_name(category: Category, name: str) -> None:
    """Raise ConfigError, with advice, for what is no topic of this category."""
    advice = _advice(category, name)
    if advice is not None:
        raise ConfigError(f"{name!r}: {advice}")


def _advice(category: Category, name: str) -> str | None:
    kind, _, rest = name.partition(".")
    topic = TOPICS[category].get(kind)
    if topic is None:
        return _advice_on_kind(category, name, kind, rest)
    before = f"{kind}."
    if topic.parameters is not None:
        parameter, _, symbol = rest.partition(".")
        if parameter not in topic.parameters:
            return _advice_on_parameter(category, kind, topic, symbol or parameter)
        before, rest = f"{kind}.{parameter}.", symbol
    if topic.instruments is not None:
        if rest in topic.instruments:
            return None
        return f"{category} has {' and '.join(repr(before + one) for one in topic.instruments)}"
    right = _symbol(category, kind, rest)
    if right != rest:
        return f"Bybit writes {before + right!r}"
    if any(mark in rest for mark in ' .,:@"\\\t\n'):
        return f"Bybit writes a symbol in one word, one at a time: {before + _EXAMPLES[category]!r}"
    return None


def _symbol(category: Category, kind: str, symbol: str) -> str:
    """As Bybit would write it."""
    right = symbol.upper().replace("/", "") or _EXAMPLES[category]
    if category == "spot":
        right = right.replace("-", "").replace("_", "")
    if category == "option" and kind == "publicTrade":
        right = right.partition("-")[0]  # trades of options come by base coin
    return right


def _advice_on_parameter(category: Category, kind: str, topic: Topic, symbol: str) -> str:
    parameters = tuple(topic.parameters or ())
    what = "interval" if kind == "kline" else "depth"
    example = symbol if len(symbol) > 5 and symbol.upper() == symbol else _EXAMPLES[category]  # no parameter is so long
    return f"say which {what}, one of {', '.join(parameters)}: {f'{kind}.{parameters[0]}.{example}'!r}"


def _advice_on_kind(category: Category, name: str, kind: str, rest: str) -> str:
    topics = TOPICS[category]
    by_lower_case = {topic.lower(): topic for topic in topics}
    right = _RENAMED.get(kind.lower()) or by_lower_case.get(kind.lower())
    if right in topics:
        return f"Bybit writes {f'{right}.{rest or _EXAMPLES[category]}'!r}"
    channel, colon, symbol = name.partition(":")
    if colon and channel in topics:
        return f"Bybit writes {f'{channel}.{symbol}'!r}"
    elsewhere = [other for other, theirs in TOPICS.items() if kind in theirs]
    if elsewhere:
        return f"{category} has no {kind}; {' and '.join(elsewhere)} have"
    return f"write a topic as {f'publicTrade.{_EXAMPLES[category]}'!r}; {category} has {', '.join(topics)}"
