"""The clients: for each library the loop that its documentation leads to, or ours where it has none.

Each keeps a subscription alive until it is cancelled: it hands every message to `consumer.take`, leaves when that
returns True, and tells `consumer.lost` when it learns of a loss where the application could act on it. What a situation
asks for and a library has no word for is left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module

from bench.peers.consumers import Consumer
from bench.peers.wanted import Wanted

Run = Callable[[str, Wanted, Consumer], Awaitable[None]]


@dataclass(frozen=True)
class Client:
    """`function` is where the client stands, as module:name. `distribution`: what it is a version of. `loop_of_ours`:
    the library has no reconnection."""

    name: str
    distribution: str
    loop: str
    function: str
    loop_of_ours: bool = False

    @property
    def is_holdfast(self) -> bool:
        return self.distribution == "holdfast"

    @property
    def title(self) -> str:
        """The head of its column."""
        return f"{self.name}, our loop" if self.loop_of_ours else self.name

    def load(self) -> Run:
        module, _, name = self.function.partition(":")
        run: Run = getattr(import_module(f"bench.peers.clients.{module}"), name)
        return run


CLIENTS = {
    client.name: client
    for client in (
        Client("websockets", "websockets", "asyncio", "iterating:run_websockets"),
        Client("websockets.trio", "websockets", "trio", "iterating:run_websockets_trio"),
        Client("picows.websockets", "picows", "asyncio", "iterating:run_picows_websockets"),
        Client("picows", "picows", "asyncio", "picows_callbacks:run", loop_of_ours=True),
        Client("aiohttp", "aiohttp", "asyncio", "aiohttp_session:run", loop_of_ours=True),
        Client("Holdfast, asyncio", "holdfast", "asyncio", "holdfast_feed:run_asyncio"),
        Client("Holdfast, trio", "holdfast", "trio", "holdfast_feed:run_trio"),
    )
}
