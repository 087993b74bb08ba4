import sys

import trio

from holdfast_trio import open_feed


async def main(url: str) -> None:
    async with open_feed(url, on_open=['{"op": "subscribe"}']) as feed:
        async for message in feed:
            print(message, flush=True)


trio.run(main, sys.argv[1])
