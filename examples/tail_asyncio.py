import asyncio
import sys

from holdfast_asyncio import open_feed


async def main(url: str) -> None:
    async with open_feed(url, on_open=['{"op": "subscribe"}']) as feed:
        async for message in feed:
            print(message, flush=True)


asyncio.run(main(sys.argv[1]))
