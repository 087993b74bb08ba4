"""What the servers of these runs send: a number, a symbol, whether a ping waits for its answer, and filling."""

from __future__ import annotations

SUBSCRIBE = "subscribe"  # what a client sends to be given messages
SYMBOLS = 10
SHORTEST = 14


def make(number: int, size: int, *, owes_pong: bool = False) -> str:
    """Message `number`, of `size` characters. `owes_pong`: the server has read a ping and not answered it yet."""
    return f"{number:08d} S{number % SYMBOLS} {'P' if owes_pong else '-'} ".ljust(size, "x")


def number_of(message: str) -> int:
    return int(message[:8])


def symbol_of(message: str | bytes) -> str | bytes:
    """What messages are conflated by."""
    return message[9:11]


def says_pong_is_owed(message: str) -> bool:
    return message[12] == "P"
