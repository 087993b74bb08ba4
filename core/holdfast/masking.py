"""Secrets in what people read: user-info of URLs, and values of query fields whose names speak of secrets."""

from __future__ import annotations

import re
from urllib.parse import unquote

MASK = "***"
SECRET_NAME = re.compile(r"token|key|secret|sign|password|passphrase|passwd|pwd|auth|session|credential", re.IGNORECASE)
# What an Endpoint takes for user-info. It may be cut off before the @; a port may not be taken for a password then.
_USER_INFO = re.compile(r"(?<=://)(?:[^\x00- \x7f/?#]*@|(?!\[)[^\x00- \x7f/?#:]*:(?!\d{0,5}\W*\Z)[^\x00- \x7f/?#]*\Z)")
# A quote is a part of the value, but for one that ends it in JSON.
_FIELD = re.compile(r"([?&#])([^\x00- \x7f=&#]*)=((?:[^\x00- \x7f&\"]|\"(?![,:}\]\x00- ]|\Z))*)")
_CUT = re.compile(r"(?<=://)[^\x00- \x7f]*\Z")
_SCHEME = re.compile(r"(?:(?:ws|http)s?:)?/*")
_BAD_FIELD = re.compile(r"([?&#])([^=&#]*)=([^&]*)")


def mask_field(field: str) -> str:
    """A query field, name=value, without a value that is secret."""
    name, equals, value = field.partition("=")
    return f"{name}={MASK}" if equals and _is_secret(name, value) else field


def mask_bad_url(url: str) -> str:
    """What was meant for a URL and may not parse: whatever could be user-info is hidden."""
    scheme = _SCHEME.match(url)
    assert scheme is not None
    before, at, rest = url[scheme.end() :].rpartition("@")
    if not at:
        return _mask_fields(_BAD_FIELD, url)
    if _BAD_FIELD.search(before):  # then the @ may stand in a value, which goes on behind it
        return scheme[0] + MASK
    return f"{scheme[0]}{MASK}@{_mask_fields(_BAD_FIELD, rest)}"


def mask_urls(text: str) -> str:
    """Somebody's words, in which URLs may stand. More is hidden rather than less."""
    if "://" not in text and "=" not in text:
        return text
    return _mask_fields(_FIELD, _USER_INFO.sub(f"{MASK}@", text))


def mask_cut(text: str) -> str:
    """The same for the beginning of a text: a URL may have been cut off where nobody can tell what is secret."""
    return mask_urls(_CUT.sub(MASK, text))


def _mask_fields(field: re.Pattern[str], text: str) -> str:
    def mask(match: re.Match[str]) -> str:
        mark, name, value = match.groups()
        # A value that is no secret may go on with a fragment in which there are fields.
        return f"{mark}{name}={MASK if _is_secret(name, value) else field.sub(mask, value)}"

    return field.sub(mask, text)


def _is_secret(name: str, value: str) -> bool:
    """By its name, or because it is a URL, percent-encoded perhaps, with secrets of its own."""
    if SECRET_NAME.search(unquote(name)):
        return True
    return any("://" in url and mask_urls(url) != url for url in (value, unquote(value)))
