"""What is measured, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Situation:
    """`best` is the figure by which clients are compared; of each of `figures` the median of the runs is told, with the
    lowest and the highest for the first..
    """

    name: str
    title: str
    text: str
    figures: tuple[tuple[str, str, str], ...]  # key in the report, head of the column, format
    every: int = 1  # rounds: slow ones run in every so many-th only


SITUATIONS = {
    one.name: one
    for one in (
        Situation(
            "throughput",
            "As fast as it can",
            "Messages of 300 bytes, JSON text, as fast as the client reads them: processor time for each.",
            (("cpu", "µs a message", ".3f"),),
        ),
        Situation(
            "trades",
            "Trades of an exchange",
            "The same with messages of Binance's combined streams, 20 of them, which become Updates: `async for update "
            "in feed`, and with `update.typed()` of each. No other client makes anything of them.",
            (("cpu", "µs a message", ".3f"),),
        ),
        Situation(
            "latency",
            "One message every 2 ms",
            "From before the server sends a message to after the application has it, and the processor time for each.",
            (
                ("p50", "median, µs", ".0f"),
                ("p90", "90 %", ".0f"),
                ("p99", "99 %", ".0f"),
                ("cpu", "processor, µs a message", ".1f"),
            ),
        ),
        Situation(
            "send",
            "Sending",
            "`await send(text)` of 300 bytes, one after the other, to a server that only reads.",
            (("cpu", "µs a message", ".2f"),),
        ),
        Situation(
            "scale",
            "1,000 connections",
            "2 messages a second on each, a ping every 20 s. Holdfast has a feed for each of them. Processor time, and "
            "memory by which the process grew from 250 connections to 1,000.",
            (
                ("cpu", "µs a message", ".1f"),
                ("each", "µs a connection and second", ".0f"),
                ("memory", "KiB a connection", ".1f"),
            ),
            every=3,
        ),
        Situation(
            "import",
            "Import",
            "Processor time of `import`, less that of an interpreter that imports asyncio.",
            (("cpu", "ms", ".0f"),),
        ),
    )
}
