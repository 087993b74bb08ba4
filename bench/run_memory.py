"""What memory `holdfast run` takes while a sink of it is stuck.

    python bench/run_memory.py [--seconds SECONDS] [--transport asyncio|trio]

A simulated exchange on loopback publishes 5,000 messages/s in 200 streams. `holdfast run`, a process of its own, writes
them to files and to a pipe that nobody reads. Its resident memory is looked at twice a second; what it may take is what
it had after a second, and the sum of the bounds in its configuration. At the end it is told to go, and its files are
looked through for holes. Exits with 1 if a bound was broken, a connection was lost, or a line of the files is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from holdfast.settings import MIB
from holdfast.testing import Exchange, Stream
from holdfast.testing.services.binance import BinanceSpot
from holdfast_cli.exchange_host import ExchangeHost

STREAMS = 200
RATE = 25.0  # messages a second of each
MEMORY_LIMIT = 32 * MIB
MAX_QUEUE = 16 * MIB  # of each sink
FILE = """
close_timeout = 2
[log]
every_seconds = 10
[feeds.trades]
service = "binance"
url = "{url}/stream"
streams = ["c{{n}}usdt@trade"]
each.n = {numbers}
memory_limit = {memory_limit}
[sinks.stuck]
type = "stdout"
max_queue = {max_queue}
[sinks.files]
type = "files"
folder = "{folder}"
max_queue = {max_queue}
"""


def resident(pid: int) -> int:
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def missing(folder: Path) -> tuple[int, int]:
    """Lines in the files of the folder, and messages that are missing between them."""
    last: dict[str, int] = {}
    lines = gone = 0
    for path in sorted(folder.iterdir()):
        for line in path.read_bytes().splitlines():
            lines += 1
            row = json.loads(line)
            if "data" in row:
                number = row["data"]["t"]
                gone += number - last.get(row["stream"], number - 1) - 1
                last[row["stream"]] = number
    return lines, gone


def run(seconds: float, transport: str) -> bool:
    exchange = Exchange([Stream(f"c{n:03}usdt@trade", RATE) for n in range(STREAMS)], service=BinanceSpot())
    with tempfile.TemporaryDirectory() as name, ExchangeHost(exchange) as host:
        folder, file = Path(name) / "data", Path(name) / "holdfast.toml"
        numbers = json.dumps([f"{number:03}" for number in range(STREAMS)])
        text = FILE.format(url=host.url, numbers=numbers, folder=folder, memory_limit=MEMORY_LIMIT, max_queue=MAX_QUEUE)
        file.write_text(text)
        unread, pipe = os.pipe()
        command = [sys.executable, "-m", "holdfast_cli", "run", str(file), f"--transport={transport}"]
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=pipe)
        os.close(pipe)
        samples: list[int] = []
        while time.monotonic() < began + 1.0 + seconds:
            time.sleep(0.5)
            samples.append(resident(process.pid))
        process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        _, status, usage = os.wait4(process.pid, 0)
        code, cpu = os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
        took = time.monotonic() - told_at
        os.close(unread)
        connections = host.ask(lambda exchange, _: len(exchange.ledger.connections))
        lines, gone = missing(folder)
    base, most = samples[1], max(samples)
    allowed = base + MEMORY_LIMIT + 2 * MAX_QUEUE
    print(
        f"{transport}: {lines:,} lines in {seconds:g} s, {cpu / lines * 1e6:.0f} µs of processor time each; "
        f"resident {base / MIB:.1f} MiB after 1 s, "
        f"{most / MIB:.1f} MiB at most, {samples[-1] / MIB:.1f} MiB at the end, allowed {allowed / MIB:.1f} MiB; "
        f"{connections} connection; {gone} messages missing in the file; exit code {code} after {took:.2f} s"
    )
    return most <= allowed and connections == 1 and gone == 0 and code == 1  # 1: the stuck sink did not take all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--transport", choices=["asyncio", "trio"], action="append")
    given = parser.parse_args()
    results = [run(given.seconds, transport) for transport in given.transport or ["asyncio", "trio"]]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
