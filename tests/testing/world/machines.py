"""Two small machines with the contract, a client and a server, that only write down what happens to them."""

from __future__ import annotations

import math
from typing import Any

from holdfast import Endpoint, Failure, Item
from holdfast.commands import Command, Connect
from holdfast.testing import ServerCommand
from holdfast.testing.world import Host, Process, World

HOST = "example.com"


class Client:
    """Dials once at its start. `told` is every input, `commands` what it will ask for next."""

    def __init__(self, url: str = f"ws://{HOST}/") -> None:
        self.endpoint = Endpoint(url)
        self.told: list[tuple[Any, ...]] = []
        self.commands: list[Command] = []
        self.items: list[Item] = []
        self.deadline = math.inf

    def start(self, now: float, wall_offset: float = 0.0) -> None:
        self.told.append(("start", wall_offset))
        self.commands.append(Connect(1, self.endpoint))

    def connected(self, conn: int, now: float) -> None:
        self.told.append(("connected", conn, now))

    def connect_failed(self, conn: int, failure: Failure, now: float) -> None:
        self.told.append(("connect_failed", failure.cause.value, now))

    def received(self, conn: int, data: bytes, now: float) -> None:
        self.told.append(("received", data, now))
        self.items.append(data)

    def disconnected(self, conn: int, failure: Failure | None, now: float) -> None:
        self.told.append(("disconnected", failure and failure.cause.value, now))

    def tick(self, now: float) -> None:
        self.told.append(("tick", now))
        self.deadline = math.inf if self.deadline <= now else self.deadline

    def close(self, now: float, code: int = 1000, reason: str = "") -> None:
        self.told.append(("close", now))

    def take_commands(self) -> list[Command]:
        taken, self.commands = self.commands, []
        return taken

    def take_items(self, limit: int | None = None) -> list[Item]:
        taken, self.items = self.items[:limit], self.items[len(self.items[:limit]) :]
        return taken

    def next_deadline(self) -> float:
        return self.deadline

    @property
    def has_items(self) -> bool:
        return bool(self.items)

    def was_told(self, *kinds: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.told if entry[0] in kinds]


class Server:
    """Accepts. `say` and its like are for the test; `told` is every input."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.commands: list[ServerCommand] = []
        self.deadline = math.inf

    def accepted(self, conn: int, now: float) -> None:
        self.told.append(("accepted", conn, now))

    def received(self, conn: int, data: bytes, now: float) -> None:
        self.told.append(("received", data, now))

    def disconnected(self, conn: int, now: float) -> None:
        self.told.append(("disconnected", conn, now))

    def tick(self, now: float) -> None:
        self.told.append(("tick", now))
        self.deadline = math.inf

    def take_commands(self) -> list[ServerCommand]:
        taken, self.commands = self.commands, []
        return taken

    def next_deadline(self) -> float:
        return self.deadline


class Pair:
    """One client and one server in a world that begins at 0."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World(seed=1, start_at=0.0)
        self.client, self.server = Client(), Server()
        self.host: Host = self.world.add_host(HOST, self.server)
        self.process: Process = self.world.run_process(self.client)

    def open(self) -> Pair:
        """The connection is there, and forgotten what was told of it."""
        self.process.start()
        self.world.run(2 * self.world.weather.delay)
        assert self.client.told[-1][:2] == ("connected", 1)
        self.client.told.clear()
        self.server.told.clear()
        return self

    def serve(self, *commands: ServerCommand) -> None:
        """The server does this now."""
        self.server.commands.extend(commands)
        self.host.settle()

    def ask(self, *commands: Command) -> None:
        """The client asks its driver for this now."""
        self.client.commands.extend(commands)
        self.process.settle()

    def at(self, seconds: float, call: Any) -> None:
        self.world.schedule.call_at(seconds, call)
