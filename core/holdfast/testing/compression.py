"""Compression at the server: wsproto's, which is enough where clients are our own."""

from __future__ import annotations

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, Opcode, RsvBits

_NO_RSV = RsvBits(False, False, False)
_SERVER = FrameProtocol(client=False, extensions=[])


class ServerDeflate(PerMessageDeflate):
    """One compressor for what wsproto sends, and for the messages whose frames are made by hand."""

    def compress(self, payload: bytes) -> bytes:
        """The payload of a message with RSV1."""
        return self.frame_outbound(_SERVER, Opcode.TEXT, _NO_RSV, payload, fin=True)[1]
