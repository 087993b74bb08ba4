"""A private feed whose URL holds a key that expires: a fresh one is asked for before every dial.

python examples/listen_key.py http://127.0.0.1:8000/listenKey ws://127.0.0.1:8001/private
"""

import asyncio
import json
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

from holdfast_asyncio import open_feed


def ask_for_key(url: str) -> str:
    """Whatever goes wrong here is a dial that failed, and is tried again."""
    place = urlsplit(url)
    connection = HTTPConnection(place.netloc, timeout=5)
    connection.request("POST", place.path, headers={"X-API-Key": "..."})
    return str(json.load(connection.getresponse())["listenKey"])


async def main(keys: str, feed_url: str) -> None:
    async def private() -> str:
        key = await asyncio.to_thread(ask_for_key, keys)
        return f"{feed_url}?listenKey={key}"

    async with open_feed(private) as feed:
        async for message in feed:
            print(message, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
