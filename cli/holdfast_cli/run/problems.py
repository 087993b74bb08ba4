"""What is wrong with a file: all of it at once, each with its key, what was found and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Self

from holdfast import ConfigError
from holdfast.masking import SECRET_NAME, mask_urls
from holdfast_cli.run.guards import is_list, is_table

_LONGEST = 60  # characters of a value that is shown
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
# Keys of the file that name a function and a path, and no secret.
_NO_SECRET = re.compile(r"(overflow\.key|tls\.keyfile)\Z")
# What the checks of settings say before the words that matter: the setting, as it is called in Python.
_SETTING = re.compile(r"(?:([A-Z]\w*)\.)?([a-z]\w*)(?= = |: )")


class Problems(ConfigError):
    """One or more things that are wrong; `lines` has each, beginning with its key."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


def problem(key: str, found: object, allowed: str) -> Problems:
    """A value that cannot be."""
    return Problems([f"{key} = {show(key, found)}: must be {allowed}"])


def unknown(key: str, name: str, known: Iterable[str]) -> Problems:
    """A key that there is not, in the table `key`."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}? " if close else ""
    return Problems([f"{child(key, name)}: unknown key: {hint}allowed are {', '.join(known)}"])


def one_of(found: str, known: Iterable[str]) -> str:
    """What is allowed in place of a name that there is not."""
    known = sorted(known)
    close = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    return f"one of {', '.join(known)}" + (f" (did you mean {close[0]}?)" if close else "")


def child(key: str, name: str) -> str:
    """The key of an entry in a table, as TOML writes it."""
    name = name if _BARE.match(name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{key}.{name}" if key else name


def show(key: str, found: object) -> str:
    """A value as the error shows it. What may be a secret is not shown."""
    if may_be_secret(key) or re.search(r"\b(headers|on_open)\b", key):
        return f"({type(found).__name__}, not shown)"
    if is_table(found):
        return "a table"
    if is_list(found):
        return "a list"
    if isinstance(found, bool):
        return str(found).lower()
    text = mask_urls(f'"{found}"' if isinstance(found, str) else str(found))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def may_be_secret(key: str, names: re.Pattern[str] = SECRET_NAME) -> bool:
    """Whether what stands there is not to be shown, by the last part of the key."""
    return names.search(key.rpartition(".")[2]) is not None and _NO_SECRET.search(key) is None


@contextmanager
def under(key: str, made: str = "") -> Generator[None]:
    """Errors of Holdfast's own checks become problems of this table, and name the key in place of the argument. `made`:
    the class that the table becomes.
    """
    try:
        yield
    except Problems:
        raise
    except ConfigError as error:
        text = mask_urls(str(error))
        named = _SETTING.match(text)
        raise Problems([f"{_key_of(key, named, made)}{text[named.end() :]}" if named else f"{key}: {text}"]) from None


def _key_of(key: str, named: re.Match[str], made: str) -> str:
    group, setting = named.groups()
    if group is None or group == made:
        return child(key, setting)
    group = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", group).lower()
    return child(key if key.rpartition(".")[2] == group else child(key, group), setting)


class Collector:
    """`with collector:` notes problems and goes on; `check` raises all that were noted."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, Problems):
            self.lines += error.lines
            return True
        return False

    def check(self) -> None:
        if self.lines:
            raise Problems(self.lines)
