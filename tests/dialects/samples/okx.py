"""Messages of OKX v5, with the fields that are documented, and values of ours."""

from __future__ import annotations


def _message(argument: str, item: str, action: str = "") -> str:
    return f'{{"arg":{{{argument}}},{action}"data":[{item}]}}'


def _of(channel: str, item: str, action: str = "", instrument: str = "ETH-USDT") -> str:
    return _message(f'"channel":"{channel}","instId":"{instrument}"', item, action)


TRADES = _of(
    "trades",
    '{"instId":"ETH-USDT","tradeId":"8804","px":"3120.50","sz":"1.250","side":"sell","ts":"1772619630250","count":"3",'
    '"source":"0","seqId":512}',
)
NEXT_TRADES = TRADES.replace("8804", "8806").replace('"count":"3"', '"count":"2"')
TRADES_ALL = _of(
    "trades-all",
    '{"instId":"ETH-USDT","tradeId":"8804","px":"3120.50","sz":"1.250","side":"buy","source":"0","ts":"1772619630250"}',
)
TICKERS = _of(
    "tickers",
    '{"instType":"SPOT","instId":"ETH-USDT","last":"3120.5","lastSz":"0.1","askPx":"3120.6","askSz":"11","bidPx":"3120.4",'
    '"bidSz":"5.50","open24h":"3000","high24h":"3200","low24h":"2990.1","volCcy24h":"2850000","vol24h":"912.5",'
    '"sodUtc0":"3050","sodUtc8":"3060","ts":"1772619630250"}',
)
_SNAPSHOT, _UPDATE = '"action":"snapshot",', '"action":"update",'
BOOK = _of(
    "books",
    '{"asks":[["3120.6","4.15","0","13"]],"bids":[["3120.5","2.56","0","12"]],"ts":"1772619630250","checksum":0,'
    '"prevSeqId":-1,"seqId":500}',
    _SNAPSHOT,
)
CHANGES = _of(
    "books",
    '{"asks":[["3120.6","0","0","0"]],"bids":[],"ts":"1772619630350","checksum":0,"prevSeqId":500,"seqId":507}',
    _UPDATE,
)
NO_CHANGES = _of(
    "books", '{"asks":[],"bids":[],"ts":"1772619690350","checksum":0,"prevSeqId":507,"seqId":507}', _UPDATE
)
STARTED_ANEW = _of(
    "books", '{"asks":[],"bids":[],"ts":"1772619690450","checksum":0,"prevSeqId":507,"seqId":3}', _UPDATE
)
AFTER_THAT = _of("books", '{"asks":[],"bids":[],"ts":"1772619690550","checksum":0,"prevSeqId":3,"seqId":5}', _UPDATE)
BOOKS5 = _of(
    "books5",
    '{"asks":[["3120.6","4.15","0","13"]],"bids":[["3120.5","2.56","0","12"]],"instId":"ETH-USDT","ts":"1772619630250",'
    '"seqId":501}',
)
BEST = _of(
    "bbo-tbt",
    '{"asks":[["3120.6","4.15","0","13"]],"bids":[["3120.5","2.56","0","12"]],"ts":"1772619630250","seqId":501}',
)
CANDLE = _of("candle1H", '["1772618400000","3100.1","3121","3099","3120.5","452.47","1405000.5","1405000.5","0"]')
SWAP_CANDLE = _of(
    "candle1Mutc", '["1772323200000","3100.1","3121","3099","3120.5","452","45.2","141000.5","1"]', "", "ETH-USDT-SWAP"
)
MARK_CANDLE = _of("mark-price-candle5m", '["1772619600000","3100.1","3121","3099","3120.5","0"]', "", "ETH-USDT-SWAP")
MARK_PRICE = _of(
    "mark-price",
    '{"instType":"SWAP","instId":"ETH-USDT-SWAP","markPx":"3120.51","ts":"1772619630250"}',
    "",
    "ETH-USDT-SWAP",
)
INDEX = _of(
    "index-tickers",
    '{"instId":"ETH-USDT","idxPx":"3120.4","high24h":"3200","low24h":"2990","open24h":"3000","sodUtc0":"3050",'
    '"sodUtc8":"3060","ts":"1772619630250"}',
)
FUNDING = _of(
    "funding-rate",
    '{"formulaType":"noRate","fundingRate":"0.000125","fundingTime":"1772640000000","impactValue":"","instId":'
    '"ETH-USDT-SWAP","instType":"SWAP","interestRate":"","method":"current_period","maxFundingRate":"0.00375",'
    '"minFundingRate":"-0.00375","nextFundingRate":"","nextFundingTime":"1772668800000","premium":"0.0001",'
    '"settFundingRate":"0.00011","settState":"settled","ts":"1772619630250"}',
    "",
    "ETH-USDT-SWAP",
)
INTEREST = _of(
    "open-interest",
    '{"instId":"ETH-USDT-SWAP","instType":"SWAP","oi":"216113.5","oiCcy":"21611.35","oiUsd":"67000000.1",'
    '"ts":"1772619630250"}',
    "",
    "ETH-USDT-SWAP",
)
LIMIT = _of("price-limit", '{"instId":"ETH-USDT","buyLmt":"3300","sellLmt":"2900","ts":"1772619630250","enabled":true}')
LIQUIDATION = _message(
    '"channel":"liquidation-orders","instType":"SWAP"',
    '{"details":[{"bkLoss":"0","bkPx":"3100","ccy":"","posSide":"long","side":"sell","sz":"13","ts":"1772619630250"}],'
    '"instFamily":"ETH-USDT","instId":"ETH-USDT-SWAP","instType":"SWAP","uly":"ETH-USDT"}',
)
STATUS = _message(
    '"channel":"status"',
    '{"begin":"1772619600000","end":"1772623200000","href":"","preOpenBegin":"","scheDesc":"","serviceType":"0",'
    '"state":"ongoing","system":"unified","maintType":"1","env":"1","title":"Trading","ts":"1772619630250"}',
)

PUBLIC = {
    "trades:ETH-USDT": TRADES,
    "tickers:ETH-USDT": TICKERS,
    "books:ETH-USDT": CHANGES,
    "books5:ETH-USDT": BOOKS5,
    "bbo-tbt:ETH-USDT": BEST,
    "mark-price:ETH-USDT-SWAP": MARK_PRICE,
    "index-tickers:ETH-USDT": INDEX,
    "funding-rate:ETH-USDT-SWAP": FUNDING,
    "open-interest:ETH-USDT-SWAP": INTEREST,
    "price-limit:ETH-USDT": LIMIT,
    "liquidation-orders:SWAP": LIQUIDATION,
    "status": STATUS,
}
BUSINESS = {
    "trades-all:ETH-USDT": TRADES_ALL,
    "candle1H:ETH-USDT": CANDLE,
    "candle1Mutc:ETH-USDT-SWAP": SWAP_CANDLE,
    "mark-price-candle5m:ETH-USDT-SWAP": MARK_CANDLE,
}

ACK = '{"id":"7","event":"subscribe","arg":{"channel":"tickers","instId":"ETH-USDT"},"connId":"accb8e21"}'
DROPPED = '{"event":"unsubscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"},"connId":"accb8e21"}'
UNKNOWN = (
    '{"id":"7","event":"error","msg":"Wrong URL or channel:tickers,instId:ETH-NOPE doesn\'t exist. Please use the '
    'correct URL, channel and parameters referring to API document.","code":"60018","connId":"ed8c407d"}'
)
INVALID = (
    '{"event":"error","code":"60012","msg":"Invalid request: {\\"op\\": \\"subscribe\\", \\"argss\\":[]}",'
    '"connId":"a4d3ae55"}'
)
TOO_OFTEN = '{"id":"9","event":"error","code":"60014","msg":"Requests too frequent","connId":"a4d3ae55"}'
NOTICE = (
    '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please '
    'reconnect.","connId":"a4d3ae55"}'
)
