"""Messages of Kraken v2 by its documents, with values of our own: (stream, message)."""

TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"ETH/EUR","side":"buy","price":3120.55,"qty":0.25000000,'
    '"ord_type":"limit","trade_id":8801,"timestamp":"2026-03-04T10:20:30.250000Z"},{"symbol":"ETH/EUR","side":"sell",'
    '"price":3120.50,"qty":1.00000000,"ord_type":"market","trade_id":8802,"timestamp":"2026-03-04T10:20:30.500000Z"}]}'
)
NEXT_TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"ETH/EUR","side":"buy","price":3121.00,"qty":0.5,'
    '"ord_type":"limit","trade_id":8803,"timestamp":"2026-03-04T10:20:31.000000Z"}]}'
)
TICKER = (
    '{"channel":"ticker","type":"snapshot","data":[{"symbol":"ETH/EUR","bid":3120.5,"bid_qty":4.5,"ask":3120.75,'
    '"ask_qty":2.0,"last":3120.6,"volume":9120.5,"vwap":3099.1,"low":3000.0,"high":3200.0,"change":20.5,'
    '"change_pct":0.66,"timestamp":"2026-03-04T10:20:30.250000Z"}]}'
)
BOOK = (
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":62807.0,"qty":0.00000000},'
    '{"price":62818.8,"qty":0.65540712}],"checksum":4249465476,"timestamp":"2026-03-04T10:20:30.250000Z"}]}'
)
OHLC = (
    '{"channel":"ohlc","type":"update","timestamp":"2026-03-04T10:20:30.250000000Z","data":[{"symbol":"ETH/EUR",'
    '"open":3100.5,"high":3121.0,"low":3099.0,"close":3120.5,"trades":12,"volume":30.5,"vwap":3110.25,'
    '"interval_begin":"2026-03-04T10:20:00.000000000Z","interval":5,"timestamp":"2026-03-04T10:25:00.000000Z"}]}'
)
INSTRUMENT = (
    '{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"EUR","status":"enabled","precision":4}],'
    '"pairs":[{"symbol":"ETH/EUR","base":"ETH","quote":"EUR","status":"online","qty_increment":1e-08}]}}'
)

UPDATES = (
    ("trade:ETH/EUR", TRADE),
    ("ticker:ETH/EUR", TICKER),
    ("book-10:BTC/USD", BOOK),
    ("ohlc-5:ETH/EUR", OHLC),
    ("instrument", INSTRUMENT),
)

HEARTBEAT = '{"channel":"heartbeat"}'
STATUS = (
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"maintenance","api_version":"v2",'
    '"connection_id":15113583034416118705}]}'
)
PONG = '{"method":"pong","req_id":700,"time_in":"2026-03-04T10:20:30.250000Z","time_out":"2026-03-04T10:20:30.250001Z"}'
ACK = (
    '{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,'
    '"time_in":"2026-03-04T10:20:30.250000Z","time_out":"2026-03-04T10:20:30.250001Z","req_id":304}'
)
UNKNOWN_PAIR = (
    '{"error":"Currency pair not supported XBT/USDT","method":"subscribe","success":false,"symbol":"XBT/USDT",'
    '"time_in":"2026-03-04T10:20:30.250000Z","time_out":"2026-03-04T10:20:30.250001Z","req_id":300}'
)
ALREADY = '{"error":"Already subscribed","method":"subscribe","success":false,"symbol":"BTC/USD","req_id":304}'
WRONG_DEPTH = '{"error":"Subscription depth not supported","method":"subscribe","success":false,"req_id":304}'
TOO_FAST = '{"Error":"Exceeded msg rate"}'
