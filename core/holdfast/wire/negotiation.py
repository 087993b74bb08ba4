"""permessage-deflate in the opening handshake (RFC 7692 section 7.1): our offer, and what the answer makes of it."""

from __future__ import annotations

from holdfast.records import dataclass
from holdfast.settings import Deflate

_NAME = "permessage-deflate"
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")
_BITS_ALLOWED = frozenset(str(bits) for bits in range(8, 16))
_FULL_WINDOW = 15


@dataclass(frozen=True, slots=True)
class Agreement:
    """How both sides compress from now on; the names are those of the RFC."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = _FULL_WINDOW
    client_max_window_bits: int = _FULL_WINDOW


def offer(wanted: Deflate) -> str:
    """The value of our Sec-WebSocket-Extensions."""
    parts = [_NAME, *(name for name in _FLAGS if getattr(wanted, name))]
    if wanted.server_max_window_bits < _FULL_WINDOW:
        parts.append(f"server_max_window_bits={wanted.server_max_window_bits}")
    # Without a value it says that the server may ask us for a smaller window.
    limited = wanted.client_max_window_bits < _FULL_WINDOW
    parts.append("client_max_window_bits" + (f"={wanted.client_max_window_bits}" if limited else ""))
    return "; ".join(parts)


def agree(offered: Deflate | None, answer: str) -> Agreement | None:
    """What the server's Sec-WebSocket-Extensions settles; None for no compression.

    Raises ValueError, which says what is wrong, for anything that our offer does not allow.
    """
    extensions = [[part.strip() for part in one.split(";")] for one in answer.split(",") if one.strip()]
    names = [extension[0] for extension in extensions]
    if unknown := [name for name in names if name != _NAME or offered is None]:
        raise ValueError(f"the server wants an extension that was not offered: {', '.join(unknown)}")
    if offered is None or not extensions:
        return None
    if len(extensions) > 1:
        raise ValueError(f"the server wants {_NAME} twice")
    return _settle(offered, _parameters(extensions[0][1:]))


def _parameters(parts: list[str]) -> dict[str, int]:
    """The value of each parameter; 1 for those that have none."""
    found: dict[str, int] = {}
    for part in parts:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in _FLAGS + _BITS:
            raise ValueError(f"the server gives {_NAME} a parameter that was not offered: {part!r}")
        if name in found:
            raise ValueError(f"the server gives {name} twice")
        if name in _FLAGS and equals:
            raise ValueError(f"the server gives {name} a value, {value!r}; it has none")
        if name in _BITS and (value := _unquoted(value)) not in _BITS_ALLOWED:
            raise ValueError(f"the server gives {name} the value {value!r}; 8 to 15 are allowed")
        found[name] = int(value or 1)
    return found


def _settle(offered: Deflate, found: dict[str, int]) -> Agreement:
    if offered.server_no_context_takeover and "server_no_context_takeover" not in found:
        raise ValueError("the server does not grant server_no_context_takeover: turn it off, or offer no compression")
    server_bits = found.get("server_max_window_bits", _FULL_WINDOW)
    # A hint of ours binds us, whether the server repeats it or not.
    client_bits = found.get("client_max_window_bits", offered.client_max_window_bits)
    for name, bits in (("server_max_window_bits", server_bits), ("client_max_window_bits", client_bits)):
        if bits > (limit := getattr(offered, name)):
            raise ValueError(f"the server gives {name} the value {bits}; at most {limit} was offered")
    return Agreement(
        "server_no_context_takeover" in found,
        offered.client_no_context_takeover or "client_no_context_takeover" in found,
        server_bits,
        client_bits,
    )


def _unquoted(value: str) -> str:
    """RFC 6455 section 9.1 allows quotes around a value."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
