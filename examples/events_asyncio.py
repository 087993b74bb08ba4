import asyncio
import sys

from holdfast import Event, Gap
from holdfast_asyncio import open_feed


async def main(url: str) -> None:
    async with open_feed(url) as feed:
        async for item in feed.items():
            if not isinstance(item, Event):
                print(item, flush=True)
            elif isinstance(item, Gap):
                print(f"from {item.since:.1f} to {item.until:.1f} messages may be missing: {item.cause}", flush=True)


asyncio.run(main(sys.argv[1]))
