"""One client in one situation, in a process of its own: `python -m bench.peers.worker SITUATION CLIENT URL`."""

from __future__ import annotations

import sys

from bench.peers.clients import CLIENTS
from bench.peers.consumers import describe
from bench.peers.loops import LOOPS
from bench.peers.situations import SITUATIONS
from bench.peers.stage import Stage


def main(situation_name: str, client_name: str, url: str) -> None:
    situation, client = SITUATIONS[situation_name], CLIENTS[client_name]
    loop = LOOPS[client.loop]()
    stage = Stage(client.load(), url, situation.wanted, situation.seconds, situation.consumer(loop), loop)
    try:
        loop.run(lambda: situation.workload(stage))
    except BaseException as error:
        stage.findings["loop_raised"] = describe(error)
    stage.report()


if __name__ == "__main__":
    main(*sys.argv[1:])
