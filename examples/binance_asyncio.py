import asyncio

from holdfast.dialects import binance
from holdfast_asyncio import open_feed


async def main() -> None:
    async with open_feed(binance.spot("btcusdt@kline_1m", "btcusdt@bookTicker")) as feed:
        async for update in feed:
            print(update.stream, update.json(), flush=True)


asyncio.run(main())
