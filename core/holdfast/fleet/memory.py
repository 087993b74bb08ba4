"""What `memory_limit` leaves to whom. Shares are fixed: nobody can fill what another one needs to go on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from holdfast.config import FeedConfig
from holdfast.settings import Limits, Resync

_SHARE = 4  # a quarter is for what shards hold, and as much for snapshots


class Memory:
    """Of one feed. Without `memory_limit`, whatever `Limits` and `Resync` say.

    A quarter is for what the connections of shards hold until it is proven that nothing is missing before it, or until
    `on_connect` is done; all shards together. At most another is for snapshots: what waits for them. The queue has the
    rest.
    """

    __slots__ = (
        "_by_shard",
        "_config",
        "_limit",
    )

    def __init__(self, config: FeedConfig) -> None:
        self._config = config
        self._limit = config.memory_limit
        self._by_shard: dict[int, int] | None = None if config.memory_limit is None else {}

    @property
    def queue(self) -> int:
        """Bytes that may be queued."""
        if self._limit is None:
            return self._config.limits.max_queue_size
        held = 0 if (resync := self.resync) is None else resync.max_held
        return max(1, self._limit - self._limit // _SHARE - held)

    @property
    def resync(self) -> Resync | None:
        """The setting, with as many bytes as there are for it."""
        setting = self._config.resync
        if setting is None or self._limit is None:
            return setting
        return replace(setting, max_held=max(1, min(setting.max_held, self._limit // _SHARE)))

    def limits_of(self, shards: Collection[int]) -> Limits:
        """For each of these new shards. Half of what is left is kept for those that may come later."""
        limits = self._config.limits
        if self._limit is None or self._by_shard is None or not shards:
            return limits
        left = self._limit // _SHARE - sum(self._by_shard.values())
        share = max(1, left // (2 * len(shards)))
        self._by_shard.update(dict.fromkeys(shards, share))
        # Held by the merge of its connections; and by each of these while on_connect runs, one more while it rotates.
        holders = 1 if self._config.on_connect is None else self._config.legs + 2
        return replace(limits, max_queue_size=max(1, share // holders))

    def forget(self, shard: int) -> None:
        """It is no more."""
        if self._by_shard is not None:
            self._by_shard.pop(shard, None)
