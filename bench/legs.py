"""What a message costs on one leg, on two, and while a rotation overlaps: the whole machine, without sockets.

    python bench/legs.py [--messages MESSAGES] [--runs RUNS]

Bytes of one chunk (16 messages of a trade, 200 streams) are given to each connection in turn, and what comes out is
taken. Nanoseconds of processor time a delivered message: the median of the runs, with the least and the most. With two
legs every message arrives twice, so that twice the cost of one leg is the floor.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from random import Random
from statistics import median

from holdfast import FeedConfig, Fleet, Gap, Rotated, Rotation
from holdfast.commands import Connect
from holdfast.commands import Write as ClientWrite
from holdfast.config import AnySource
from holdfast.dialects import binance
from holdfast.testing import CombinedStreams, Exchange, Publication, Rules, Service, Write
from holdfast.testing.services.binance import BinanceSpot
from holdfast.wire import TEXT, server_frame

NAMES = [f"x{number:03}usdt@trade" for number in range(200)]
CHUNK = 16  # messages
STEP = 0.008  # seconds: 2,000 messages/s
URL = "ws://feed.test/stream"


class Rig:
    """A feed whose connections are all open and subscribed, and the chunks that they will be given."""

    def __init__(self, source: AnySource, service: Service, legs: int, messages: int) -> None:
        config = FeedConfig.build(source, {"legs": legs, "proxy": None, "rotation": Rotation(overlap_timeout=600.0)})
        self.fleet = Fleet(config, random=Random(1), entropy=Random(1).randbytes)
        self.exchange = Exchange([], service=service, rules=Rules())
        self.now = 0.0
        self.conns: list[int] = []
        self.exchange.start(self.now)
        self.fleet.start(self.now)
        self.settle()
        self.fleet.take_items()
        assert len(self.conns) == legs, "not all are open"
        texts = [
            service.message(Publication(NAMES[at % len(NAMES)], at // len(NAMES) + 1, at * STEP / CHUNK), 1.7e9)
            for at in range(messages)
        ]
        frames = [server_frame(TEXT, text.encode()) for text in texts]
        self.chunks = [b"".join(frames[at : at + CHUNK]) for at in range(0, messages, CHUNK)]
        self.messages = messages

    def settle(self, answers: bool = True) -> None:
        """Carry out what the feed and the exchange ask for. `answers`: whether the exchange answers requests."""
        while commands := self.fleet.take_commands():
            for command in commands:
                if type(command) is Connect:
                    self.conns.append(command.conn)
                    self.exchange.accepted(command.conn, self.now)
                    self.fleet.connected(command.conn, self.now)
                elif type(command) is ClientWrite and (answers or command.data.startswith(b"GET ")):
                    self.exchange.received(command.conn, command.data, self.now)
            for answer in self.exchange.take_commands():
                if type(answer) is Write:
                    self.fleet.received(answer.conn, answer.data, self.now)

    def rotate(self) -> None:
        """A fresh connection is open, and is never acknowledged."""
        self.fleet.rotate(self.now)
        self.settle(answers=False)
        self.fleet.take_items()

    def run(self, conns: list[int]) -> float:
        """Seconds of processor time."""
        fleet, now, delivered = self.fleet, self.now, 0
        gc.collect()
        began = time.process_time()
        for chunk in self.chunks:
            now += STEP
            if fleet.next_deadline() <= now:
                fleet.tick(now)
                fleet.take_commands()
            for conn in conns:
                fleet.received(conn, chunk, now)
            for item in fleet.take_items():
                delivered += type(item) is not Gap and type(item) is not Rotated
        took = time.process_time() - began
        assert self.messages <= delivered <= self.messages * 1.01, f"{delivered} of {self.messages} came"
        return took


def one(make: Callable[[int], Rig]) -> float:
    rig = make(1)
    return rig.run(rig.conns)


def two(make: Callable[[int], Rig]) -> float:
    rig = make(2)
    return rig.run(rig.conns)


def overlap(make: Callable[[int], Rig]) -> float:
    rig = make(1)
    rig.rotate()
    return rig.run(rig.conns[:1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=32_000, help="of each run")
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {arguments.runs} runs of {arguments.messages:,} messages")
    sources: dict[str, tuple[AnySource, Callable[[], Service]]] = {
        "without a dialect": (f"{URL}?streams={'/'.join(NAMES)}", CombinedStreams),
        "binance.spot": (binance.spot(*NAMES, endpoint=URL), BinanceSpot),
    }
    shapes = {"one leg": one, "two legs": two, "overlap": overlap}
    for name, (source, service) in sources.items():

        def make(legs: int, source: AnySource = source, service: Callable[[], Service] = service) -> Rig:
            return Rig(source, service(), legs, arguments.messages)

        costs: dict[str, list[float]] = {shape: [] for shape in shapes}
        for _ in range(arguments.runs):  # in turn, so that what else the machine does strikes all alike
            for shape, work in shapes.items():
                costs[shape].append(work(make) / arguments.messages * 1e9)
        for shape, found in costs.items():
            ratio = median(found) / median(costs["one leg"])
            figures = f"{median(found):,.0f} ns ({min(found):,.0f} to {max(found):,.0f})"
            print(f"{name}, {shape}: {figures} a message, {ratio:.2f} of one leg")


if __name__ == "__main__":
    main()
