"""What we send: framed, masked, compressed where that was agreed, and within the service's message window."""

from __future__ import annotations

import math

from holdfast.commands import Command, Write
from holdfast.config import FeedConfig
from holdfast.connection.encoding import encode
from holdfast.connection.pacer import Pacer
from holdfast.errors import LocalProtocolError
from holdfast.wire import CLOSE, PING, PONG, RSV1, Deflater, MaskSource, client_frame


class Sender:
    """The one way to the peer of a connection. What waits for the window goes out with `write_waiting`."""

    __slots__ = ("_commands", "_conn", "_mask", "_max_waiting", "_pacer", "deflater", "is_cut_off")

    def __init__(self, conn: int, config: FeedConfig, mask: MaskSource, commands: list[Command]) -> None:
        self.deflater: Deflater | None = None  # once compression is agreed
        self.is_cut_off = False  # the socket is gone: nothing goes out any more
        self._conn = conn
        self._mask = mask
        self._commands = commands
        self._pacer = Pacer(config.message_window) if config.message_window is not None else None
        self._max_waiting = config.limits.max_write_size

    def message(self, message: str | bytes, now: float, *, control: bool) -> None:
        """One whole message; it may wait for the message window, unless it is `control`, and control does not count.

        Raises LocalProtocolError for what cannot be sent; then nothing was.
        """
        opcode, payload = encode(message)
        pacer = self._pacer
        if pacer is not None and control and not pacer.counts_control:
            pacer = None
        if pacer is not None and pacer.size > self._max_waiting:
            raise LocalProtocolError(f"{pacer.size} bytes wait for the message window: send less, or slower")
        # Each compressed message refers to those before it; control overtakes them.
        if self.deflater is not None and not control and (compressed := self.deflater.compress(payload)) is not None:
            opcode, payload = opcode | RSV1, compressed
        frame = client_frame(opcode, payload, self._mask())
        if pacer is None:
            self.write(frame)
        else:
            pacer.put(frame)
            self.write_waiting(now)

    def ping(self, payload: bytes, now: float) -> None:
        """At once; `ping_at` has come."""
        if self._pacer is not None and self._pacer.counts_control:
            self._pacer.note(now)
        self.write(client_frame(PING, payload, self._mask()))

    def ping_at(self, now: float) -> float:
        """When a ping may be written: `now`, or the time at which to ask again."""
        return now if self._pacer is None or not self._pacer.counts_control else self._pacer.free_at(now)

    def pongs(self, payloads: list[bytes], now: float) -> None:
        """Of several pings read at once only the latest needs an answer (RFC 6455 section 5.5.3); some want all."""
        frames = [client_frame(PONG, payload, self._mask()) for payload in payloads]
        if self._pacer is None or not self._pacer.counts_control:
            self.write(b"".join(frames))
        else:
            self._pacer.put_pong(frames[-1])
            self.write_waiting(now)

    def close(self, payload: bytes) -> None:
        """Nothing may follow."""
        self.write(client_frame(CLOSE, payload, self._mask()))

    def write(self, data: bytes) -> None:
        if not self.is_cut_off:
            self._commands.append(Write(self._conn, data))

    def write_waiting(self, now: float) -> None:
        """What the message window has room for."""
        if self._pacer is not None:
            for frame in self._pacer.take(now):
                self.write(frame)

    def waiting_until(self, now: float) -> float:
        """When to `write_waiting` again; inf if nothing waits."""
        return math.inf if self._pacer is None else self._pacer.next_at(now)

    def free_at(self, now: float) -> float:
        """When a message may be written at once: `now`, or the time at which to ask again."""
        return now if self._pacer is None else self._pacer.free_at(now)
