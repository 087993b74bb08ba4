"""What there is of a connection until it is open, and no longer: the handshake, and what came early."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.config import FeedConfig
from holdfast.connection.early import Early
from holdfast.connection.endings import failure_of
from holdfast.endpoint import Endpoint
from holdfast.failures import Cause, Failure
from holdfast.wire import NONCE_SIZE, Accepted, ClientHandshake


class Opening:
    """`proxy`: what the dial waits for, if that is a proxy. `early`: what `on_connect` may take."""

    __slots__ = ("_config", "_handshake", "early", "proxy")

    def __init__(self, config: FeedConfig) -> None:
        self.proxy = ""
        self.early = Early(config.limits.max_queue_size)
        self._config = config
        self._handshake: ClientHandshake | None = None

    def dial(self, endpoint: Endpoint, entropy: Callable[[int], bytes]) -> None:
        """It goes there."""
        config = self._config
        self._handshake = ClientHandshake(
            endpoint, config.user_agent, entropy(NONCE_SIZE), config.limits.max_handshake_size, config.compression
        )

    def request(self) -> bytes:
        """What to send once there is a connection."""
        assert self._handshake is not None
        return self._handshake.request()

    def answer(self, data: bytes) -> Accepted | Failure | None:
        """What the server said to that, with these bytes of it; None: not all of it is there."""
        assert self._handshake is not None
        answer = self._handshake.receive(data)
        if answer is not None:
            self._handshake = None
        return answer

    @property
    def failure_so_far(self) -> Failure:
        """What it means if this is all that came."""
        if self.early.end is not None:
            return failure_of(self.early.end)
        limit = f"Timeouts.connect is {self._config.timeouts.connect:g} s"
        if self.proxy:
            return Failure(Cause.PROXY, f"{self.proxy}: did not connect us in time: {limit}")
        return Failure(Cause.DIAL_TIMEOUT, limit)
