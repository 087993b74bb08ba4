"""What may be a secret, hidden; variables of the environment stand as the file has them, for they tell nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, cast

from holdfast.masking import MASK, SECRET_NAME, mask_urls
from holdfast_cli.run.guards import is_list, is_table
from holdfast_cli.run.problems import child, may_be_secret
from holdfast_cli.run.reading import has_variable

_CREDENTIAL = re.compile(rf"{SECRET_NAME.pattern}|cookie", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(\w*)(?::-([^}]*))?\}")
_SCHEME = re.compile(r"\s*((bearer|basic|token)\s+)?\Z", re.IGNORECASE)  # what stands before a credential
_USER_INFO = re.compile(r"(?<=://)([^/?#\s]*)@")
_FIELD = re.compile(r"(?<=[?&#])([^=&#\s]*)=([^&\s\"]*)")
_FIRST = 0xE000  # characters for private use stand for variables meanwhile: no rule of masking knows them


def hidden(value: Any, key: str = "") -> Any:
    """A table, or what stands in one, without what may be a secret."""
    if is_table(value):
        return {one: hidden(its, child(key, one)) for one, its in value.items()}
    if is_list(value):
        if key.endswith(".headers"):  # pairs
            return [[pair[0], hidden(pair[1], child(key, pair[0]))] for pair in value]
        return [hidden(one, key) for one in value]
    return _text(value, key) if isinstance(value, str) else value


def _text(text: str, key: str) -> str:
    if may_be_secret(key, _CREDENTIAL):
        return _between_variables(text) if has_variable(text) else MASK
    if key.endswith(".on_open") and SECRET_NAME.search(_VARIABLE.sub("", text)):
        return _message(text) if has_variable(text) else MASK
    return _url(text) if has_variable(text) else mask_urls(text)


def _between_variables(text: str) -> str:
    """Only the variables, and what kind of credential it is."""
    result, end = "", 0
    for match in _VARIABLE.finditer(text):
        result += _literal(text[end : match.start()]) + _without_default(match)
        end = match.end()
    return result + _literal(text[end:])


def _literal(text: str) -> str:
    return text if _SCHEME.match(text) else MASK


def _without_default(match: re.Match[str]) -> str:
    return match[0] if not match[2] else f"${{{match[1]}:-{MASK}}}"


def _message(text: str) -> str:
    """Something to send, in which there are secrets, perhaps: of JSON, its shape."""
    try:
        parsed: object = json.loads(text)
    except ValueError:
        return MASK
    return json.dumps(_shape(parsed), separators=(",", ":"), ensure_ascii=False)


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shape(one) for name, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_shape(one) for one in cast("list[object]", value)]
    return _between_variables(value) if isinstance(value, str) else value


def _url(text: str) -> str:
    """`mask_urls`, for a text in which variables stand."""
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return chr(_FIRST + len(kept) - 1)

    def keeping(change: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
        return lambda match: keep(change(match[0]))

    text = _USER_INFO.sub(keeping(_user_info), text)
    text = _FIELD.sub(lambda match: _field(match, keep), text)
    text = mask_urls(_VARIABLE.sub(lambda match: keep(match[0]), text))
    return re.sub(
        f"[{chr(_FIRST)}-{chr(_FIRST + max(len(kept) - 1, 0))}]", lambda one: kept[ord(one[0]) - _FIRST], text
    )


def _user_info(text: str) -> str:
    return ":".join(map(_between_variables, _split(text.removesuffix("@")))) + "@"


def _split(user_info: str) -> list[str]:
    """At the first colon that belongs to no variable."""
    bare = _VARIABLE.sub(lambda match: "x" * len(match[0]), user_info)
    at = bare.find(":")
    return [user_info] if at < 0 else [user_info[:at], user_info[at + 1 :]]


def _field(match: re.Match[str], keep: Callable[[str], str]) -> str:
    name, value = match.groups()
    if not has_variable(value) or not SECRET_NAME.search(name):
        return match[0]
    return keep(f"{name}={_between_variables(value)}")
