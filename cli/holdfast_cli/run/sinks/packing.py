"""How lines become the bytes of a file: as they are, or compressed."""

from __future__ import annotations


class Packing:
    """As they are."""

    suffix = ""

    def pack(self, lines: bytes) -> bytes:
        """What can be read back without anything that follows."""
        return lines

    def end(self) -> bytes:
        """What completes the file."""
        return b""


class Zstd(Packing):
    """One frame of Zstandard a file (RFC 8878), its blocks ending where lines were given."""

    suffix = ".zst"

    def __init__(self, level: int) -> None:
        import zstandard

        self._block = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self._compressor = zstandard.ZstdCompressor(level=level).compressobj()

    def pack(self, lines: bytes) -> bytes:
        return self._compressor.compress(lines) + self._compressor.flush(self._block)

    def end(self) -> bytes:
        return self._compressor.flush()
