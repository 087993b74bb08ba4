"""What a kind of stream is: how it is named, what its numbers mean, how long it may rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any

from holdfast.errors import ConfigError

Payload = Any  # parsed JSON; what looks at it may raise LookupError, TypeError or ValueError


@dataclass(frozen=True)
class Kind:
    """One kind. `form` is how it is shown to users; `pattern` matches a whole name.

    `key`: what tells a message from all others of its stream. `chain`: the number just before its own, and its own last
    number: where the last number of an earlier message lies between them, nothing was missed. None: numbers of this
    kind prove nothing. `time`: the event time, in Unix milli- or microseconds. `head`: the text at which a
    long list begins, with all these fields before it.

    `silence`: seconds without a message after which something is wrong, by the name of the stream; None: it may be
    silent for any time. `route`: the path that carries it, where a market has several. `payload`: how `typed.py` reads
    it; None where no model describes it.
    """

    form: str
    pattern: str
    key: Callable[[Payload], Hashable]
    chain: Callable[[Payload], tuple[int, int]] | None = None
    time: Callable[[Payload], float] | None = itemgetter("E")
    head: str | None = None
    silence: Callable[[str], float | None] | None = None
    route: str | None = None
    payload: str | None = None


@dataclass(frozen=True, eq=False)
class Market:
    """All kinds of a market. `retired`: patterns of names that it once had, with advice."""

    title: str
    example: str
    kinds: tuple[Kind, ...]
    retired: tuple[tuple[str, str], ...] = ()

    def kind(self, stream: str) -> Kind | None:
        """None for what is no name of this market."""
        return _kind(self, stream)

    def checked(self, stream: str) -> Kind:
        """Raises ConfigError for what is no name of this market, and says what would be one."""
        if (kind := self.kind(stream)) is not None:
            return kind
        raise ConfigError(f"{stream!r}: {self._advice(stream)}")

    def _advice(self, stream: str) -> str:
        for pattern, advice in self.retired:
            if re.fullmatch(pattern, stream):
                return advice
        if not stream or re.search(r"[\s/\"\\]", stream):
            return f"give the names of {self.title} one by one, such as {self.example!r}"
        right = self._in_right_case(stream)
        if self.kind(right) is not None:
            symbol, at, _ = stream.partition("@")
            rule = "symbols in lower case: " if at and symbol[0] != "!" and symbol != symbol.lower() else ""
            return f"{self.title} writes {rule}{right!r}"
        if "@" not in stream and not stream.startswith("!"):
            return f"which stream of it? Such as {stream.lower() + '@trade'!r}"
        return f"{self.title} has no such stream. There are {', '.join(kind.form for kind in self.kinds)}"

    def _in_right_case(self, stream: str) -> str:
        """The name, if upper and lower case did not matter."""
        symbol, at, rest = stream.partition("@")
        if not at or symbol.startswith("!"):
            return self._words_in_right_case(stream)
        return symbol.lower() + at + self._words_in_right_case(rest)

    def _words_in_right_case(self, text: str) -> str:
        return re.sub("[A-Za-z]+", lambda word: self._words.get(word[0].lower(), word[0]), text)

    @cached_property
    def _words(self) -> dict[str, str]:
        """All words of names, but those in <>, by their lower case."""
        return {word.lower(): word for kind in self.kinds for word in re.findall(r"[A-Za-z]+(?![^<]*>)", kind.form)}


@lru_cache(maxsize=8192)
def _kind(market: Market, stream: str) -> Kind | None:
    return next((kind for kind in market.kinds if re.fullmatch(kind.pattern, stream)), None)
