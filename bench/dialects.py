"""What it costs to make sense of a message: each service, each kind of stream that has a sample in tests/dialects.

    python bench/dialects.py [SERVICE ...] [--runs RUNS]

Nanoseconds of processor time a message: `read` (the Update made, nothing parsed), `place` (its event time, key and
numbers, asked of a fresh Update), `json` (a fresh one, parsed) and `typed`. Each is the least of the runs, less what an
empty loop takes. To add a service: its dialect, and the texts of its samples by stream, in `SERVICES`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where `tests` is

from tests.dialects.samples import binance as binance_samples
from tests.dialects.samples import bybit as bybit_samples
from tests.dialects.samples import coinbase as coinbase_samples
from tests.dialects.samples import kraken as kraken_samples
from tests.dialects.samples import okx as okx_samples

from holdfast.dialects import binance, bybit, coinbase, kraken, okx
from holdfast.dialects.channels import ChannelUpdate
from holdfast.dialects.dialect import Dialect
from holdfast.dialects.words import Update

LOOPS = 20_000
Texts = dict[str, str]


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def combined(payloads: dict[str, object]) -> Texts:
    return {stream: f'{{"stream":"{stream}","data":{compact(payload)}}}' for stream, payload in payloads.items()}


SERVICES: dict[str, Callable[[], tuple[Dialect, Texts]]] = {
    "binance.spot": lambda: (binance.spot().dialect, combined(binance_samples.SPOT)),
    "binance.usdm": lambda: (binance.usdm(route="market").dialect, combined(binance_samples.USDM)),
    "kraken.v2": lambda: (kraken.v2().dialect, dict(kraken_samples.UPDATES)),
    "okx.public": lambda: (okx.public().dialect, okx_samples.PUBLIC),
    "okx.business": lambda: (okx.business().dialect, okx_samples.BUSINESS),
    "coinbase.advanced": lambda: (coinbase.advanced().dialect, dict(coinbase_samples.UPDATES)),
    "bybit.spot": lambda: (bybit.public("spot").dialect, dict(bybit_samples.SPOT)),
    "bybit.linear": lambda: (bybit.public("linear").dialect, dict(bybit_samples.LINEAR)),
    "bybit.option": lambda: (bybit.public("option").dialect, dict(bybit_samples.OPTION)),
}


def cost(work: Callable[[], object], runs: int) -> float:
    """Nanoseconds."""

    def once(call: Callable[[], object]) -> float:
        began = time.process_time_ns()
        for _ in range(LOOPS):
            call()
        return (time.process_time_ns() - began) / LOOPS

    return min(once(work) for _ in range(runs)) - min(once(lambda: None) for _ in range(runs))


def works(dialect: Dialect, text: str) -> Iterator[Callable[[], object]]:
    update = dialect.read(text)
    assert isinstance(update, Update), text
    assert update.stream is not None, text
    kind: Callable[..., Update] = type(update)
    made_of = (update.stream, text, update.channel) if isinstance(update, ChannelUpdate) else (update.stream, text)
    yield lambda: dialect.read(text)
    yield lambda: kind(*made_of).key
    yield lambda: kind(*made_of).json()
    yield update.typed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", default=list(SERVICES), metavar="SERVICE", help=", ".join(SERVICES))
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, nanoseconds a message, least of {arguments.runs} runs of {LOOPS}")
    for service in arguments.services:
        dialect, texts = SERVICES[service]()
        print(f"\n{service:38}{'bytes':>8}{'read':>8}{'place':>8}{'json':>8}{'typed':>8}")
        for stream, text in texts.items():
            figures = "".join(f"{cost(work, arguments.runs):8.0f}" for work in works(dialect, text))
            print(f"  {stream:36}{len(text):8}{figures}")


if __name__ == "__main__":
    main()
