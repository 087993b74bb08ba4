"""What a server of these runs does, as plain data: it is handed to the server's process as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Ending:
    """How a connection ends, `after` seconds behind its handshake.

    `way`: stay (it does not end), close (a close frame with `code`), eof (the stream ends without one), reset (RST),
    refuse (instead of the handshake, HTTP status `code` with `headers`).
    """

    way: Literal["stay", "close", "eof", "reset", "refuse"] = "stay"
    after: float = 0.0
    code: int = 1000
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Script:
    """`rate` messages a second of `size` characters are published, whoever listens.

    A client gets what is published after it has sent `SUBSCRIBE`. The server waits for a slow client for as long as it
    takes. `endings`: one a dial; the last serves all further ones. `pong_delay`: seconds before a ping is answered.
    """

    rate: float = 100.0
    size: int = 100
    endings: tuple[Ending, ...] = (Ending(),)
    pong_delay: float = 0.0

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Script:
        fields: dict[str, Any] = json.loads(text)
        endings = [
            Ending(**{**ending, "headers": tuple((name, value) for name, value in ending["headers"])})
            for ending in fields.pop("endings")
        ]
        return cls(endings=tuple(endings), **fields)
