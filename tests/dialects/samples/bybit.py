"""Messages of Bybit v5 by its documents, with values of our own: (stream, message) by category."""

TRADE = (
    '{"topic":"publicTrade.ETHUSDT","type":"snapshot","ts":1772619630252,"data":[{"T":1772619630249,"s":"ETHUSDT","S":"Buy",'
    '"v":"0.25","p":"3120.55","L":"PlusTick","i":"8a1f6b52-0c57-5a3e-a9d0-3f1c2b7d9e10","BT":false,"RPI":false,"seq":88},'
    '{"T":1772619630250,"s":"ETHUSDT","S":"Sell","v":"1","p":"3120.50","L":"MinusTick",'
    '"i":"8a1f6b52-0c57-5a3e-a9d0-3f1c2b7d9e11","BT":false,"RPI":false,"seq":91}]}'
)
BOOK = (
    '{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1772619630255,"data":{"s":"BTCUSDT","b":[["62807.10","0.655"],'
    '["62807.00","0.100"]],"a":[["62818.80","0.029"]],"u":7001,"seq":9001},"cts":1772619630250}'
)
DELTA = (
    '{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1772619630275,"data":{"s":"BTCUSDT","b":[["62807.10","0"]],"a":[],'
    '"u":7002,"seq":9009},"cts":1772619630270}'
)
BEST = (
    '{"topic":"orderbook.1.BTCUSDT","ts":1772619630255,"type":"snapshot","data":{"s":"BTCUSDT","b":[["62807.10","0.655"]],'
    '"a":[["62818.80","0.029"]],"u":551,"seq":9001},"cts":1772619630250}'
)
RPI = (
    '{"topic":"orderbook.rpi.BTCUSDT","ts":1772619630255,"type":"delta","data":{"s":"BTCUSDT","b":[["62807.1","0.1","0"]],'
    '"a":[["62818.8","0","0.5"]],"u":61,"seq":9001},"cts":1772619630250}'
)
FULL = (
    '{"topic":"orderbook.full.BTCUSDT","ts":1772619630255,"type":"delta","data":{"s":"BTCUSDT","b":[["62807.1","0.1"]],'
    '"a":[],"u":1,"seq":9001},"cts":1772619630250}'
)
SPOT_TICKER = (
    '{"topic":"tickers.ETHUSDT","ts":1772619630250,"type":"snapshot","cs":4401,"data":{"symbol":"ETHUSDT","lastPrice":'
    '"3120.60","highPrice24h":"3200","lowPrice24h":"3000","prevPrice24h":"3099.10","volume24h":"9120.5","turnover24h":'
    '"28400000","price24hPcnt":"0.0069","usdIndexPrice":"3120.2"}}'
)
TICKER = (
    '{"topic":"tickers.ETHUSDT","type":"snapshot","data":{"symbol":"ETHUSDT","tickDirection":"MinusTick","price24hPcnt":'
    '"0.0069","lastPrice":"3120.60","prevPrice24h":"3099.10","highPrice24h":"3200","lowPrice24h":"3000","prevPrice1h":'
    '"3110","markPrice":"3120.61","indexPrice":"3120.72","openInterest":"49000","openInterestValue":"152909890",'
    '"turnover24h":"28400000","volume24h":"9120.5","fundingIntervalHour":"8","nextFundingTime":"1772640000000",'
    '"fundingRate":"-0.0001","bid1Price":"3120.50","bid1Size":"4.5","ask1Price":"3120.75","ask1Size":"2",'
    '"preOpenPrice":"","preQty":""},"cs":4402,"ts":1772619630250}'
)
TICKER_DELTA = (
    '{"topic":"tickers.ETHUSDT","type":"delta","data":{"symbol":"ETHUSDT","markPrice":"3120.65","indexPrice":"3120.80"},'
    '"cs":4403,"ts":1772619630250}'
)
KLINE = (
    '{"topic":"kline.5.ETHUSDT","data":[{"start":1772619600000,"end":1772619899999,"interval":"5","open":"3100.5","close":'
    '"3120.5","high":"3121","low":"3099","volume":"12","turnover":"37325.4","confirm":false,"timestamp":1772619630100}],'
    '"ts":1772619630250,"type":"snapshot"}'
)
LIQUIDATION = (
    '{"topic":"allLiquidation.ETHUSDT","type":"snapshot","ts":1772619630260,"data":[{"T":1772619630250,"s":"ETHUSDT","S":'
    '"Sell","v":"20","p":"3050.1"}]}'
)
LIMIT = (
    '{"topic":"priceLimit.ETHUSDT","data":{"symbol":"ETHUSDT","buyLmt":"3200.00","sellLmt":"3000.00"},'
    '"ts":1772619630250}'
)
INSURANCE = (
    '{"topic":"insurance.USDT","type":"delta","ts":1772619630250,"data":[{"coin":"USDT","symbols":"GOATUSDT","balance":'
    '"20352.3","updateTime":"1772619630000"}]}'
)
ALERT = (
    '{"topic":"adlAlert.USDT","type":"snapshot","ts":1772619630250,"data":[{"c":"USDT","s":"GOATUSDT","b":-5421.2,"mb":1.5,'
    '"i_pr":-0.3,"pr":0,"adl_tt":10000,"adl_sr":-0.25}]}'
)
OPTION_TRADE = (
    '{"id":"publicTrade.BTC-8802-1772619630251","topic":"publicTrade.BTC","ts":1772619630251,"data":[{"T":1772619630250,'
    '"s":"BTC-27MAR26-90000-C","S":"Buy","v":"0.3","p":"120.5","i":"a1","BT":false}],"type":"snapshot"}'
)
OPTION_TICKER = (
    '{"id":"tickers.BTC-27MAR26-90000-C-8802-1772619630250","topic":"tickers.BTC-27MAR26-90000-C","ts":1772619630250,"data":'
    '{"symbol":"BTC-27MAR26-90000-C","bidPrice":"115","bidSize":"2.5","bidIv":"0.5","askPrice":"125","askSize":"5.1",'
    '"askIv":"0.514","lastPrice":"120","highPrice24h":"130","lowPrice24h":"110","markPrice":"120.25","indexPrice":"62810",'
    '"markPriceIv":"0.48","underlyingPrice":"62900","openInterest":"49.85","turnover24h":"446802","volume24h":"26.5",'
    '"totalVolume":"86","totalTurnover":"1437431","delta":"0.04","predictedDeliveryPrice":"0","change24h":"-0.3"},'
    '"type":"snapshot"}'
)
OPTION_BOOK = BOOK.replace("orderbook.50.BTCUSDT", "orderbook.25.BTC-27MAR26-90000-C")

SPOT = (
    ("publicTrade.ETHUSDT", TRADE),
    ("orderbook.50.BTCUSDT", BOOK),
    ("orderbook.1.BTCUSDT", BEST),
    ("orderbook.rpi.BTCUSDT", RPI),
    ("orderbook.full.BTCUSDT", FULL),
    ("tickers.ETHUSDT", SPOT_TICKER),
    ("kline.5.ETHUSDT", KLINE),
    ("priceLimit.ETHUSDT", LIMIT),
)
LINEAR = (
    ("publicTrade.ETHUSDT", TRADE),
    ("orderbook.50.BTCUSDT", BOOK),
    ("tickers.ETHUSDT", TICKER),
    ("kline.5.ETHUSDT", KLINE),
    ("allLiquidation.ETHUSDT", LIQUIDATION),
    ("insurance.USDT", INSURANCE),
    ("adlAlert.USDT", ALERT),
)
OPTION = (
    ("publicTrade.BTC", OPTION_TRADE),
    ("tickers.BTC-27MAR26-90000-C", OPTION_TICKER),
    ("orderbook.25.BTC-27MAR26-90000-C", OPTION_BOOK),
)

SPOT_ACK = '{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","req_id":"3","op":"subscribe"}'
ACK = '{"success":true,"ret_msg":"","conn_id":"3cd84cb1","req_id":"3","op":"unsubscribe"}'
OPTION_ACK = (
    '{"success":true,"conn_id":"aa01","data":{"failTopics":[],"successTopics":["publicTrade.BTC","publicTrade.ETH"]},'
    '"type":"COMMAND_RESP"}'
)
OPTION_REFUSAL = (
    '{"success":false,"conn_id":"aa01","data":{"failTopics":["publicTrade.NOPE"],"successTopics":[]},'
    '"type":"COMMAND_RESP"}'
)
UNKNOWN_TOPIC = (
    '{"success":false,"ret_msg":"error:handler not found,topic:orderbook.50.NOPEUSDT","conn_id":"da7t","req_id":"4",'
    '"op":"subscribe"}'
)
INVALID_TOPIC = UNKNOWN_TOPIC.replace("error:handler not found,topic:", "Invalid topic: ")
ALREADY = (
    '{"success":false,"ret_msg":"error:already subscribed,topic:orderbook.1.ETHUSDT","conn_id":"da7t","req_id":"6",'
    '"op":"subscribe"}'
)
TOO_MANY_ARGS = '{"success":false,"ret_msg":"args size >10","conn_id":"da7t","op":"subscribe"}'
INVALID = '{"success":false,"ret_msg":"error:invalid op","conn_id":"da7t","req_id":"7","op":""}'
SPOT_PONG = '{"success":true,"ret_msg":"pong","conn_id":"da7t","op":"ping"}'
PONG = '{"success":true,"ret_msg":"pong","conn_id":"da7t","req_id":"8","op":"ping"}'
OPTION_PONG = '{"args":["1772619630250"],"op":"pong"}'
