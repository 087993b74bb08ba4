"""Names of Binance's streams, and what users may write: what is wrong is told before any dial."""

from __future__ import annotations

import pytest

from dialects.samples import binance as samples
from holdfast import ConfigError, Endpoint
from holdfast.dialects import binance
from holdfast.dialects.dialect import Service

OWN = "ws://relay.test/stream"


@pytest.mark.parametrize("stream", samples.SPOT)
def test_every_documented_stream_of_spot_is_one(stream: str) -> None:
    assert binance.spot(stream).streams == (stream,)


@pytest.mark.parametrize("stream", samples.USDM)
def test_every_documented_stream_of_usdm_is_one(stream: str) -> None:
    assert binance.usdm(stream).streams == (stream,)


@pytest.mark.parametrize(
    "stream", ["買い買い@trade", "1000satsusdt@depth10", "btcusdt@kline_1M", "btcusdt@kline_1s@+08:00"]
)
def test_unusual_names_are_names(stream: str) -> None:
    assert binance.spot(stream).streams == (stream,)


@pytest.mark.parametrize(
    ("stream", "advice"),
    [
        ("BTCUSDT@trade", "writes symbols in lower case: 'btcusdt@trade'"),
        ("BtcUsdt@kline_1m", "writes symbols in lower case: 'btcusdt@kline_1m'"),
        ("btcusdt@aggtrade", "writes 'btcusdt@aggTrade'"),
        ("btcusdt@BOOKTICKER", "writes 'btcusdt@bookTicker'"),
        ("BTCUSDT@bookticker", "writes symbols in lower case: 'btcusdt@bookTicker'"),
        ("!miniticker@arr", "writes '!miniTicker@arr'"),
        ("btcusdt", "Such as 'btcusdt@trade'"),
        ("BTCUSDT", "Such as 'btcusdt@trade'"),
        ("btcusdt@kline_2m", "no such stream. There are .*kline_<1s.1m"),
        ("btcusdt@kline", "no such stream"),
        ("btcusdt@depth7", "depth<5.10.20>"),
        ("btcusdt@depth@250ms", "depth.@100ms."),
        ("btcusdt@trades", "no such stream"),
        ("btcusdt@markPrice", "no such stream"),
        ("@trade", "no such stream"),
        ("!ticker@arr", "retired it on 2026-03-26"),
        ("!bookTicker", "retired it on 2022-12-07"),
        ("btcusdt@trade/ethusdt@trade", "one by one"),
        ("btcusdt@trade ", "one by one"),
        ("", "one by one"),
    ],
)
def test_what_is_no_stream_of_spot_gets_advice(stream: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice) as caught:
        binance.spot("ethusdt@trade", stream)
    assert repr(stream) in str(caught.value)


@pytest.mark.parametrize(
    ("stream", "advice"),
    [
        ("btcusdt@kline_1s", "kline_<1m.3m"),
        ("btcusdt@blockTrade", "no such stream"),
        ("btcusdt@markprice@1s", "writes 'btcusdt@markPrice@1s'"),
        ("tradingsession", "writes 'tradingSession'"),
        ("BTCUSDT_PERPETUAL@continuousKline_1m", "'btcusdt_perpetual@continuousKline_1m'"),
        ("btcusdt@rpiDepth", "rpiDepth@500ms"),
    ],
)
def test_what_is_no_stream_of_usdm_gets_advice(stream: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        binance.usdm(stream)


@pytest.mark.parametrize("make", [binance.spot, binance.usdm])
@pytest.mark.parametrize("stream", [None, 7, b"btcusdt@trade", ["btcusdt@trade"]])
def test_what_is_no_str_is_no_stream(make: object, stream: object) -> None:
    with pytest.raises(ConfigError, match="is no str"):
        make(stream)  # type: ignore[operator]


def test_helpers_write_names() -> None:
    spot = [binance.trade("BTCUSDT"), binance.agg_trade("btcusdt"), binance.kline("BTCUSDT", "1M")]
    spot += [binance.mini_ticker("BTCUSDT"), binance.ticker("BTCUSDT"), binance.book_ticker("BTCUSDT")]
    spot += [binance.depth("BTCUSDT"), binance.depth("BTCUSDT", 20, speed=100), binance.depth("BTCUSDT", speed=100)]
    assert binance.spot(*spot).streams == (
        *("btcusdt@trade", "btcusdt@aggTrade", "btcusdt@kline_1M", "btcusdt@miniTicker", "btcusdt@ticker"),
        *("btcusdt@bookTicker", "btcusdt@depth", "btcusdt@depth20@100ms", "btcusdt@depth@100ms"),
    )
    usdm = [binance.mark_price("BTCUSDT"), binance.mark_price("BTCUSDT", every_second=True)]
    usdm += [binance.continuous_kline("BTCUSDT", "1s"), binance.continuous_kline("BTCUSDT", "1h", "CURRENT_QUARTER")]
    assert binance.usdm(*usdm).streams == (
        *("btcusdt@markPrice", "btcusdt@markPrice@1s", "btcusdt_perpetual@continuousKline_1s"),
        "btcusdt_current_quarter@continuousKline_1h",
    )


# Where it is dialled


def test_spot_is_dialled_where_streams_are_combined() -> None:
    assert binance.spot("btcusdt@trade").source == "wss://stream.binance.com:9443/stream"
    assert binance.spot("btcusdt@trade", "btcusdt@trade").streams == ("btcusdt@trade",)
    assert binance.spot().streams == ()


@pytest.mark.parametrize(("stream", "route"), [("btcusdt@bookTicker", "public"), ("btcusdt@aggTrade", "market")])
def test_usdm_is_dialled_on_the_route_of_its_streams(stream: str, route: str) -> None:
    service = binance.usdm(stream)
    assert service.source == f"wss://fstream.binance.com/{route}/stream"
    assert binance.usdm_route(stream) == route
    assert binance.usdm(route=route).source == service.source


def test_streams_of_two_routes_need_two_feeds() -> None:
    with pytest.raises(ConfigError) as caught:
        binance.usdm("btcusdt@aggTrade", "btcusdt@depth", "ethusdt@kline_1m")
    assert "usdm('btcusdt@depth') and usdm('btcusdt@aggTrade', 'ethusdt@kline_1m')" in str(caught.value)
    with pytest.raises(ConfigError, match="come on 'market'"):
        binance.usdm("btcusdt@aggTrade", route="public")


@pytest.mark.parametrize("route", [None, "private", "/market"])
def test_without_streams_usdm_needs_a_route(route: str | None) -> None:
    with pytest.raises(ConfigError, match="route="):
        binance.usdm(route=route)


def test_a_feed_on_one_route_takes_no_stream_of_the_other() -> None:
    dialect = binance.usdm("btcusdt@aggTrade").dialect
    dialect.check("ethusdt@aggTrade")
    with pytest.raises(ConfigError, match="comes on /public, and this feed is connected to /market"):
        dialect.check("ethusdt@trade")


async def _made() -> str:
    return OWN


def test_an_endpoint_replaces_the_url() -> None:
    listed = [OWN, "ws://other.test/x/stream/"]
    for endpoint in (OWN, Endpoint(OWN), listed, _made):
        made = binance.spot("btcusdt@trade", endpoint=endpoint).source
        assert made == endpoint or callable(made)


@pytest.mark.parametrize(
    "endpoint", ["ws://relay.test/ws", "ws://relay.test", Endpoint("ws://relay.test/"), [OWN, "ws://x/ws"]]
)
def test_an_endpoint_that_would_not_say_the_stream_is_refused(endpoint: object) -> None:
    with pytest.raises(ConfigError, match="ends with /stream"):
        binance.spot("btcusdt@trade", endpoint=endpoint)  # type: ignore[arg-type]


# Asked for by the URL


def urls_of(service: Service) -> list[str]:
    source = service.source
    listed = source if isinstance(source, list) else [source]
    return [one.url if isinstance(one, Endpoint) else one for one in listed]


def test_a_url_can_ask_for_the_streams() -> None:
    service = binance.spot("btcusdt@trade", "!miniTicker@arr", combined=True)
    (url,) = urls_of(service)
    assert url == "wss://stream.binance.com:9443/stream?streams=btcusdt@trade/!miniTicker@arr"
    assert service.dialect.asked_by(Endpoint(url)) == {"btcusdt@trade", "!miniTicker@arr"}
    assert service.streams == ("btcusdt@trade", "!miniTicker@arr")


@pytest.mark.parametrize("streams", [tuple(samples.SPOT), ("買い買い@trade", "btcusdt@kline_1d@+08:00")])
def test_what_a_url_asks_for_is_what_was_given(streams: tuple[str, ...]) -> None:
    service = binance.spot(*streams, combined=True, endpoint=[OWN, Endpoint(OWN + "?timeUnit=MICROSECOND")])
    for url in urls_of(service):
        assert service.dialect.asked_by(Endpoint(url)) == set(streams)
    assert "timeUnit=MICROSECOND&streams=" in urls_of(service)[1]


def test_a_url_that_asks_for_nothing_is_known_as_such() -> None:
    dialect = binance.spot("btcusdt@trade").dialect
    for url in (OWN, OWN + "?streams=", OWN + "?x=btcusdt@trade", "wss://h/"):
        assert dialect.asked_by(Endpoint(url)) == frozenset()


def test_an_endpoint_made_later_asks_too() -> None:
    made = binance.spot("btcusdt@trade", combined=True, endpoint=_made).source
    assert callable(made)
    assert made.__name__ == "_made"
    with pytest.raises(StopIteration) as returned:
        made().__await__().send(None)  # type: ignore[union-attr]
    assert returned.value.value == OWN + "?streams=btcusdt@trade"


def test_a_url_that_grows_too_long_is_refused() -> None:
    many = [f"s{number}usdt@trade" for number in range(600)]
    assert len(binance.spot(*many).streams) == 600
    with pytest.raises(ConfigError, match="leave combined out"):
        binance.spot(*many, combined=True)
    with pytest.raises(ConfigError, match="would ask for nothing"):
        binance.spot(combined=True)
