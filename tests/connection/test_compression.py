"""Compression and the message window: what refers to earlier messages never overtakes them, nor follows one that was
never sent.
"""

from __future__ import annotations

from random import Random

import pytest
from wsproto.connection import Connection as WsprotoConnection
from wsproto.connection import ConnectionType
from wsproto.events import TextMessage
from wsproto.extensions import PerMessageDeflate

from helpers.upgrade import answer_to, switching
from holdfast import Deflate, FeedConfig, Limits, LocalProtocolError, MessageWindow
from holdfast.commands import Command, Write
from holdfast.connection import Connection
from holdfast.wire import RSV1, MaskSource

TEXT = '{"op": "something to refer to"}' * 10


class Paced:
    """An open connection that may send two messages a second; pings of the service's own do not count."""

    def __init__(self, **limits: int) -> None:
        config = FeedConfig.build(
            "ws://h/",
            {
                "compression": Deflate(threshold=1),
                "message_window": MessageWindow(2, 1.0, counts_control=False, reserve=0, margin=0.0),
                "limits": Limits(**limits),
            },
        )
        self.commands: list[Command] = []
        self.now = 0.0
        entropy = Random(1).randbytes
        self.connection = Connection(
            1, config.targets[0], config, entropy=entropy, mask=MaskSource(entropy), commands=self.commands, now=0.0
        )
        self.connection.connected(0.0)
        (request,) = self.taken()
        accept = {"Sec-WebSocket-Accept": answer_to(request), "Sec-WebSocket-Extensions": "permessage-deflate"}
        self.connection.received(switching(accept), 0.0, [])

    def taken(self) -> list[bytes]:
        written = [command.data for command in self.commands if isinstance(command, Write)]
        self.commands.clear()
        return written

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.connection.tick(self.now)


def read_by_a_server(frames: list[bytes]) -> list[str]:
    deflate = PerMessageDeflate()
    deflate.finalize(deflate.name)
    server = WsprotoConnection(ConnectionType.SERVER, [deflate])
    server.receive_data(b"".join(frames))
    return [event.data for event in server.events() if isinstance(event, TextMessage)]


def test_control_that_overtakes_what_waits_is_readable() -> None:
    paced = Paced()
    for number in range(6):
        paced.connection.send(f"{TEXT}{number}", paced.now)
    paced.connection.send(TEXT, paced.now, control=True)
    paced.run(5)
    frames = paced.taken()
    assert read_by_a_server(frames) == [f"{TEXT}0", f"{TEXT}1", TEXT, *(f"{TEXT}{number}" for number in range(2, 6))]
    assert [bool(frame[0] & RSV1) for frame in frames] == [True, True, False, True, True, True, True]


def test_a_message_that_was_refused_leaves_no_trace() -> None:
    paced = Paced(max_write_size=1)
    sent = [f"{number}{TEXT}" for number in range(3)]
    for text in sent:
        paced.connection.send(text, paced.now)
    with pytest.raises(LocalProtocolError, match="message window"):
        paced.connection.send("never sent, and nothing refers to it " * 10, paced.now)
    paced.run(5)
    paced.connection.send("never sent, and nothing refers to it " * 10, paced.now)
    paced.run(5)
    assert read_by_a_server(paced.taken()) == [*sent, "never sent, and nothing refers to it " * 10]
