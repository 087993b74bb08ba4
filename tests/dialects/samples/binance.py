"""One message of each kind of stream, with the documented fields and values of our own: stream name to payload."""

from __future__ import annotations

from typing import Any

LEVELS = {"b": [["64250.10", "1.250"], ["64250.00", "0"]], "a": [["64250.20", "0.031"]]}
_CANDLE = {"t": 1779000000000, "T": 1779000059999, "s": "BTCUSDT", "i": "1m", "f": 881, "L": 902}
_CANDLE |= {"o": "64200.00", "c": "64250.10", "h": "64260.00", "l": "64199.90", "v": "12.50", "n": 22, "x": False}
_CANDLE |= {"q": "803126.25", "V": "6.25", "Q": "401563.12", "B": "0"}
_MINI = {"e": "24hrMiniTicker", "E": 1779000001000, "s": "BTCUSDT", "c": "64250.10", "o": "63000.00", "h": "64500.00"}
_MINI |= {"l": "62800.00", "v": "18000.5", "q": "1147000000.00"}
_TICKER = {"e": "24hrTicker", "E": 1779000001000, "s": "BTCUSDT", "p": "1250.10", "P": "1.984", "w": "63700.00"}
_TICKER |= {"x": "62999.90", "c": "64250.10", "Q": "0.010", "b": "64250.00", "B": "2.5", "a": "64250.20", "A": "0.8"}
_TICKER |= {"o": "63000.00", "h": "64500.00", "l": "62800.00", "v": "18000.5", "q": "1147000000.00", "O": 1778913600999}
_TICKER |= {"C": 1779000000999, "F": 100, "L": 902, "n": 803}
_FUTURES_TICKER = {name: value for name, value in _TICKER.items() if name not in ("x", "b", "B", "a", "A")}
_WINDOW = {"e": "1hTicker", "E": 1779000001000, "s": "BTCUSDT", "p": "50.10", "P": "0.078", "o": "64200.00"}
_WINDOW |= {"h": "64300.00", "l": "64100.00", "c": "64250.10", "w": "64222.00", "v": "300.5", "q": "19298711.00"}
_WINDOW |= {"O": 1778997401000, "C": 1779000001000, "F": 500, "L": 902, "n": 403}
_MARK = {"e": "markPriceUpdate", "E": 1779000003000, "s": "BTCUSDT", "p": "64251.37", "ap": "64251.00"}
_MARK |= {"i": "64255.02", "P": "64249.88", "r": "0.00010000", "T": 1779004800000}
_FORCE = {"e": "forceOrder", "E": 1779000000950, "o": {"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC"}}
_FORCE["o"] |= {"q": "0.014", "p": "64100.0", "ap": "64101.2", "X": "FILLED", "l": "0.014", "z": "0.014"}  # type: ignore[operator]
_FORCE["o"] |= {"T": 1779000000900}  # type: ignore[operator]
_BOOK = {"u": 7001, "s": "BTCUSDT", "b": "64250.00", "B": "2.50", "a": "64250.20", "A": "0.80"}
_FUTURES_BOOK = {"e": "depthUpdate", "E": 1779000000101, "T": 1779000000099, "s": "BTCUSDT", "U": 5011, "u": 5020}
_FUTURES_BOOK |= {"pu": 4998, **LEVELS}
_INDEX = {"e": "assetIndexUpdate", "E": 1779000000000, "s": "ADAUSD", "i": "0.27", "b": "0.1", "a": "0.1", "B": "0.25"}
_INDEX |= {"A": "0.30", "q": "0.05", "g": "0.05", "Q": "0.26", "G": "0.29"}
_TRADE = {
    "e": "trade",
    "E": 1779000000124,
    "s": "BTCUSDT",
    "t": 902,
    "p": "64250.10",
    "q": "0.0105",
    "T": 1779000000123,
}
_AGG_TRADE = {"e": "aggTrade", "E": 1779000000124, "s": "BTCUSDT", "a": 411, "p": "64250.10", "q": "0.50", "f": 900}
_AGG_TRADE |= {"l": 902, "T": 1779000000123, "m": False}

SPOT: dict[str, Any] = {
    "btcusdt@trade": {**_TRADE, "m": True, "M": True},
    "btcusdt@aggTrade": {**_AGG_TRADE, "M": True},
    "btcusdt@blockTrade": {**_TRADE, "e": "blockTrade", "m": True},
    "btcusdt@kline_1m": {"e": "kline", "E": 1779000002001, "s": "BTCUSDT", "k": _CANDLE},
    "btcusdt@kline_1d@+08:00": {"e": "kline", "E": 1779000002001, "s": "BTCUSDT", "k": {**_CANDLE, "i": "1d"}},
    "btcusdt@miniTicker": _MINI,
    "!miniTicker@arr": [_MINI, {**_MINI, "s": "ETHUSDT"}],
    "btcusdt@ticker": _TICKER,
    "btcusdt@ticker_1h": _WINDOW,
    "!ticker_1h@arr": [_WINDOW],
    "btcusdt@bookTicker": _BOOK,
    "btcusdt@avgPrice": {
        "e": "avgPrice",
        "E": 1779000001000,
        "s": "BTCUSDT",
        "i": "5m",
        "w": "64211.0",
        "T": 1779000000123,
    },
    "btcusdt@referencePrice": {"e": "referencePrice", "s": "BTCUSDT", "r": None, "t": 1779000001000},
    "btcusdt@depth5": {"lastUpdateId": 5020, "bids": LEVELS["b"], "asks": LEVELS["a"]},
    "btcusdt@depth20@100ms": {"lastUpdateId": 5020, "bids": LEVELS["b"], "asks": LEVELS["a"]},
    "btcusdt@depth": {"e": "depthUpdate", "E": 1779000000101, "s": "BTCUSDT", "U": 5011, "u": 5020, **LEVELS},
    "btcusdt@depth@100ms": {"e": "depthUpdate", "E": 1779000000101, "s": "BTCUSDT", "U": 5011, "u": 5020, **LEVELS},
}

USDM: dict[str, Any] = {
    "btcusdt@trade": {**_TRADE, "X": "MARKET", "m": True},
    "btcusdt@bookTicker": {
        "e": "bookTicker",
        "E": 1779000000893,
        "T": 1779000000891,
        **_BOOK,
        "ps": "BTCUSDT",
        "st": 1,
    },
    "!bookTicker": {"e": "bookTicker", "E": 1779000000893, "T": 1779000000891, **_BOOK},
    "btcusdt@depth5@100ms": _FUTURES_BOOK,
    "btcusdt@depth": _FUTURES_BOOK,
    "btcusdt@depth@500ms": {**_FUTURES_BOOK, "ps": "BTCUSDT", "st": 1},
    "btcusdt@rpiDepth@500ms": _FUTURES_BOOK,
    "btcusdt@aggTrade": {**_AGG_TRADE, "nq": "0.40", "st": 1},
    "btcusdt@markPrice": _MARK,
    "btcusdt@markPrice@1s": _MARK,
    "!markPrice@arr": [_MARK, {**_MARK, "s": "ETHUSDT"}],
    "!markPrice@arr@1s": [{**_MARK, "r": "", "T": 0}],
    "btcusdt@kline_1m": {"e": "kline", "E": 1779000002001, "s": "BTCUSDT", "k": _CANDLE},
    "btcusdt_perpetual@continuousKline_1m": {
        "e": "continuous_kline",
        "E": 1779000002001,
        "ps": "BTCUSDT",
        "ct": "PERPETUAL",
        "k": {name: value for name, value in _CANDLE.items() if name != "s"},
    },
    "btcusdt@miniTicker": _MINI,
    "!miniTicker@arr": [_MINI],
    "btcusdt@ticker": _FUTURES_TICKER,
    "!ticker@arr": [_FUTURES_TICKER, {**_FUTURES_TICKER, "s": "ETHUSDT"}],
    "btcusdt@forceOrder": _FORCE,
    "!forceOrder@arr": _FORCE,
    "defiusdt@compositeIndex": {
        "e": "compositeIndex",
        "E": 1779000000000,
        "s": "DEFIUSDT",
        "p": "554.4",
        "C": "baseAsset",
        "c": [{"b": "BAL", "q": "USDT", "w": "1.0", "W": "0.0145", "i": "24.3"}],
    },
    "!contractInfo": {
        "e": "contractInfo",
        "E": 1779000000908,
        "s": "IOTAUSDT",
        "ps": "IOTAUSDT",
        "ct": "PERPETUAL",
        "dt": 4133404800000,
        "ot": 1569398400000,
        "cs": "TRADING",
    },
    "!assetIndex@arr": [_INDEX],
    "adausd@assetIndex": _INDEX,
    "tradingSession": {
        "e": "EquityUpdate",
        "E": 1779000000062,
        "t": 1778999000000,
        "T": 1779020000000,
        "S": "OVERNIGHT",
    },
}
