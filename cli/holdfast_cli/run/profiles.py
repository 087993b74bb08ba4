"""Settings that go together, as a file would write them. What the file says counts before them."""

from __future__ import annotations

from typing import Any

PROFILES: dict[str, dict[str, Any]] = {
    "default": {},
    # What is late is worth nothing: losses are found within seconds, and the queue is short.
    "low-latency": {
        "keepalive": {"interval": 5, "timeout": 5},
        "timeouts": {"connect": 5, "close": 2},
        "backoff": {"initial": 0.1, "maximum": 5},
        "staleness": {"after": 15, "reconnect": True},
        "subscribing": {"ack_timeout": 5},
        "limits": {"max_queue_size": "8 MiB"},
        "overflow": {"policy": "drop_oldest"},
    },
    # For hosts that cut what is idle, and move containers: small connections, and a restart when nothing helps.
    "cloud-conservative": {
        "keepalive": {"interval": 15, "timeout": 15},
        "staleness": {"after": 60, "reconnect": True},
        "sharding": {"max_symbols_per_connection": 50, "max_connections": 20},
        "memory_limit": "512 MiB",
        "restart_after": 50,
    },
}
