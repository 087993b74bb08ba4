"""Secrets in what people read: user-info of URLs, and values of query fields whose names speak of secrets."""

from __future__ import annotations

import re
from urllib.parse import unquote

MASK = "***"
SECRET_NAME = re.compile(r"token|key|secret|sign|password|passwd|pwd|auth|session|credential", re.IGNORECASE)
# What may stand before the @ of a URL that parses; the quote ends one that stands in JSON.
_USER_INFO = re.compile(r"(?<=://)[^\s/?#\"]*@")
_FIELD = re.compile(r"(?<=[?&#])[^=&\s\"]*=[^&\s\"]*")


def mask_field(field: str) -> str:
    """A query field, name=value, without a value that is secret."""
    name, equals, _ = field.partition("=")
    return f"{name}={MASK}" if equals and SECRET_NAME.search(unquote(name)) else field


def mask_bad_url(url: str) -> str:
    """What was meant for a URL and may not parse: whatever could be user-info is hidden."""
    hidden = re.sub(r"^((?:(?:ws|http)s?:)?/*).*@", rf"\1{MASK}@", url, flags=re.DOTALL)
    return re.sub(r"([?&])([^=&]*=[^&]*)", lambda match: match[1] + mask_field(match[2]), hidden)


def mask_urls(text: str) -> str:
    """Somebody's words, in which URLs may stand. More is hidden rather than less."""
    return _FIELD.sub(lambda match: mask_field(match[0]), _USER_INFO.sub(f"{MASK}@", text))
