"""TLS contexts for tests, from an authority that each test session makes for itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import trustme


def server_context(authority: trustme.CA, *names: str, expired: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    now = datetime.now(UTC)
    times = {"not_before": now - timedelta(days=9), "not_after": now - timedelta(days=1)} if expired else {}
    authority.issue_cert(*names, **times).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
