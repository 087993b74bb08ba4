"""Messages of Coinbase Advanced Trade by its documents, with values of our own: (stream, message)."""

TRADES = (
    '{"channel":"market_trades","client_id":"","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":5,"events":[{"type":'
    '"update","trades":[{"trade_id":"7001","product_id":"ETH-EUR","price":"3120.55","size":"0.25000000","side":"BUY",'
    '"time":"2026-03-04T10:20:30.125000Z"},{"trade_id":"7002","product_id":"ETH-EUR","price":"3120.50","size":"1",'
    '"side":"SELL","time":"2026-03-04T10:20:30.250000Z"}]}]}'
)
NEXT_TRADE = (
    '{"channel":"market_trades","timestamp":"2026-03-04T10:20:31.5Z","sequence_num":9,"events":[{"type":"update","trades":'
    '[{"product_id":"ETH-EUR","trade_id":"7003","price":"3120.60","size":"0.5","time":"2026-03-04T10:20:31.25Z",'
    '"side":"BUY"}]}]}'
)
TRADES_AFRESH = (  # a snapshot has the newest first
    '{"channel":"market_trades","timestamp":"2026-03-04T10:20:32Z","sequence_num":0,"events":[{"type":"snapshot","trades":'
    '[{"product_id":"ETH-EUR","trade_id":"7003","price":"3120.60","size":"0.5","time":"2026-03-04T10:20:31.25Z",'
    '"side":"BUY"},{"product_id":"ETH-EUR","trade_id":"7002","price":"3120.50","size":"1",'
    '"time":"2026-03-04T10:20:30.250000Z","side":"SELL"}]}]}'
)
TRADES_OF_TWO = (
    '{"channel":"market_trades","timestamp":"2026-03-04T10:20:31.5Z","sequence_num":10,"events":[{"type":"update","trades":'
    '[{"product_id":"ETH-EUR","trade_id":"7004","price":"3120.60","size":"0.5","time":"2026-03-04T10:20:31.25Z","side":'
    '"BUY"},{"product_id":"BTC-EUR","trade_id":"52","price":"61000","size":"0.5","time":"2026-03-04T10:20:31.25Z","side":'
    '"BUY"}]}]}'
)
TICKER = (
    '{"channel":"ticker","client_id":"","timestamp":"2026-03-04T10:20:30.250000123Z","sequence_num":7,"events":[{"type":'
    '"snapshot","tickers":[{"type":"ticker","product_id":"ETH-EUR","price":"3120.6","volume_24_h":"9120.5","low_24_h":'
    '"3000","high_24_h":"3200","low_52_w":"1500","high_52_w":"4100","price_percent_chg_24_h":"0.66","best_bid":"3120.5",'
    '"best_bid_quantity":"4.5","best_ask":"3120.75","best_ask_quantity":"2.0"}]}]}'
)
TICKER_BATCH = (
    '{"channel":"ticker_batch","timestamp":"2026-03-04T10:20:30.250Z","sequence_num":8,"events":[{"type":"update",'
    '"tickers":[{"type":"ticker","product_id":"ETH-EUR","price":"3120.6","volume_24_h":"9120.5","low_24_h":"3000",'
    '"high_24_h":"3200","low_52_w":"1500","high_52_w":"4100","price_percent_chg_24_h":"0.66"}]}]}'
)
BOOK = (
    '{"channel":"l2_data","client_id":"","timestamp":"2026-03-04T10:20:30.25000000Z","sequence_num":12,"events":[{"type":'
    '"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-03-04T10:20:30.2Z","price_level":'
    '"62807.10","new_quantity":"0.65540712"},{"side":"offer","event_time":"2026-03-04T10:20:30.2Z","price_level":'
    '"62818.80","new_quantity":"0"}]}]}'
)
BOOKS_OF_TWO = (
    '{"channel":"l2_data","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":0,"events":[{"type":"snapshot","product_id":'
    '"BTC-USD","updates":[{"side":"bid","event_time":"1970-01-01T00:00:00Z","price_level":"62807.10","new_quantity":"1"}]},'
    '{"type":"snapshot","product_id":"ETH-USD","updates":[{"side":"offer","event_time":"1970-01-01T00:00:00Z",'
    '"price_level":"3120.10","new_quantity":"2"}]}]}'
)
CANDLES = (
    '{"channel":"candles","client_id":"","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":2,"events":[{"type":"update",'
    '"candles":[{"start":"1772619600","high":"3121.0","low":"3099.0","open":"3100.5","close":"3120.5","volume":"30.5",'
    '"product_id":"ETH-EUR"}]}]}'
)
STATUS = (
    '{"channel":"status","client_id":"","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":3,"events":[{"type":"snapshot",'
    '"products":[{"product_type":"SPOT","id":"ETH-EUR","base_currency":"ETH","quote_currency":"EUR","base_increment":'
    '"0.00000001","quote_increment":"0.01","display_name":"ETH/EUR","status":"online","status_message":"",'
    '"min_market_funds":"1"}]}]}'
)

UPDATES = (
    ("market_trades:ETH-EUR", TRADES),
    ("ticker:ETH-EUR", TICKER),
    ("ticker_batch:ETH-EUR", TICKER_BATCH),
    ("level2:BTC-USD", BOOK),
    ("candles:ETH-EUR", CANDLES),
    ("status:ETH-EUR", STATUS),
)

HEARTBEAT = (
    '{"channel":"heartbeats","client_id":"","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":41,"events":[{'
    '"current_time":"2026-03-04 10:20:30.249961769 +0000 UTC m=+91717.525857105","heartbeat_counter":"3049"}]}'
)
HEARTBEAT_WITHOUT_CLIENT = HEARTBEAT.replace('"client_id":"",', "").replace('"3049"', "3049")
SUBSCRIPTIONS = (
    '{"channel":"subscriptions","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":6,"events":[{"subscriptions":{'
    '"heartbeats":["heartbeats"],"level2":["BTC-USD"],"market_trades":["BTC-USD","ETH-EUR"],"user":["1234"]}}]}'
)
NO_SUBSCRIPTIONS = (
    '{"channel":"subscriptions","client_id":"","timestamp":"2026-03-04T10:20:30.25Z","sequence_num":7,'
    '"events":[{"subscriptions":{}}]}'
)
NOT_KNOWN = '{"type":"error","message":"authentication failure"}'
TOO_MANY_BOOKS = '{"type":"error","message":"too many L2 streams requested in a single session"}'
