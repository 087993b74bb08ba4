"""A driver of one's own, with plain blocking sockets: the whole contract with the machine, and nothing else.

    python examples/blocking_driver.py ws://127.0.0.1:8765

It is short, not good: one thread does everything, so a dial that hangs, or a peer that does not read, holds up the
clock. The machine sees that as a stall of ours, and blames nobody. A real driver dials in the background and has a
writer for each connection.
"""

import os
import random
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterator

from holdfast import Event, FeedConfig, Fleet, Item
from holdfast.commands import Command, Connect, Disconnect, Pause, Resume, Write
from holdfast.failures import failure_of_dial, failure_of_stream

PATIENCE = 10.0  # seconds for a dial, or for a peer to take what we send


class BlockingDriver:
    def __init__(self, url: str) -> None:
        self.fleet = Fleet(FeedConfig.build(url, {}), random=random.Random(), entropy=os.urandom)
        self.sockets: dict[int, socket.socket] = {}  # by the number of the connection
        self.paused: set[int] = set()

    def items(self) -> Iterator[Item]:
        """Messages and events, until the feed has ended."""
        fleet = self.fleet
        fleet.start(time.monotonic(), wall_offset=time.time() - time.monotonic())
        while True:
            while commands := fleet.take_commands():  # carrying one out is an input, which may lead to more
                for command in commands:
                    self.carry_out(command)
            yield from fleet.take_items()
            if fleet.is_closed:
                return
            self.read_what_is_readable(until=fleet.next_deadline())
            fleet.tick(time.monotonic())

    def carry_out(self, command: Command) -> None:
        conn = command.conn
        if isinstance(command, Connect):
            self.dial(command)
        elif isinstance(command, Write) and conn in self.sockets:
            try:
                self.sockets[conn].settimeout(PATIENCE)
                self.sockets[conn].sendall(command.data)
            except OSError as error:
                self.ended(conn, error)
        elif isinstance(command, Pause):
            self.paused.add(conn)
        elif isinstance(command, Resume):
            self.paused.discard(conn)
        elif isinstance(command, Disconnect) and conn in self.sockets:
            self.sockets.pop(conn).close()

    def dial(self, command: Connect) -> None:
        endpoint = command.endpoint
        try:
            sock = socket.create_connection((endpoint.host, endpoint.port), timeout=PATIENCE)
            if endpoint.secure:
                context = endpoint.tls or ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=endpoint.server_name or endpoint.host)
        except OSError as error:
            self.fleet.connect_failed(command.conn, failure_of_dial(error), time.monotonic())
        else:
            self.sockets[command.conn] = sock
            self.fleet.connected(command.conn, time.monotonic())

    def read_what_is_readable(self, until: float) -> None:
        reading = {sock: conn for conn, sock in self.sockets.items() if conn not in self.paused}
        timeout = max(0.0, until - time.monotonic())
        for sock in select.select(list(reading), [], [], min(timeout, 3600.0))[0]:
            conn = reading[sock]
            try:
                sock.setblocking(False)
                data = sock.recv(64 * 1024)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue  # TLS had something to say that is no data
            except OSError as error:
                self.ended(conn, error)
            else:
                self.fleet.received(conn, data, time.monotonic()) if data else self.ended(conn, None)

    def ended(self, conn: int, error: OSError | None) -> None:
        self.sockets.pop(conn).close()
        failure = failure_of_stream(error) if error is not None else None
        self.fleet.disconnected(conn, failure, time.monotonic())


if __name__ == "__main__":
    for item in BlockingDriver(sys.argv[1]).items():
        print(item, file=sys.stderr if isinstance(item, Event) else sys.stdout, flush=True)
