"""How long what must happen may take, in a healed world: by the settings of a voyage, at the worst."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fuzz.plan import LONGEST_RETRY_AFTER, Plan
from fuzz.stream_troubles import DARKNESS
from holdfast import FeedConfig, Rotation

if TYPE_CHECKING:
    from fuzz.snapshots import Snapshots
    from holdfast.testing.world import Process


_STRUCK_OUT_FOR = 600.0  # by docs/configuration.md
_LONGEST_REST = 60.0  # of a slow consumer, before it takes again


class Longest:
    """Seconds; of a voyage, which derives from it."""

    plan: Plan
    config: FeedConfig
    process: Process
    snapshots: Snapshots | None
    put_off = 0.0  # for so long a dial may still be, when all is healed, because others dialled

    @property
    def now(self) -> float:
        raise NotImplementedError

    @property
    def longest_asking(self) -> float:
        """Seconds in which all that is wanted can be asked for, answers included, and what is refused taken apart."""
        spoken, weather = self.plan.spoken, self.plan.weather
        if spoken is None:
            return 0.0
        streams = len(self.plan.streams) + len(spoken.limits.always)
        requests = 2 * (streams + 2 * math.ceil(math.log2(streams) + 1))
        window = spoken.limits.message_window
        a_request = 0.0 if window is None else (window.period + window.margin) / (window.count - window.reserve)
        if window is not None and window.counts_control:
            requests += math.ceil(requests * a_request)  # pings and pongs take room as well; at most one a second
        return requests * (a_request + 2 * (weather.delay + weather.jitter)) + 1.0

    @property
    def longest_mending(self) -> float:
        """Seconds until a stream that a healed service does not send is noticed, and asked for anew."""
        spoken = self.plan.spoken
        if spoken is None:
            return 0.0
        subscribing, patient = self.config.subscribing, spoken.patient
        audit = 2 * subscribing.audit_every if spoken.lists and subscribing.audit_every is not None else 0.0
        # Its patience may have doubled, as often as fits into the longest time in the dark.
        dark = max(self.plan.longest_hush(seconds) for seconds in DARKNESS)
        silence = 2.5 * (max(patient.first or 0.0, patient.silence) + dark) if patient.silence is not None else 0.0
        unanswered = subscribing.max_asks * subscribing.ack_timeout
        return max(audit, silence) + unanswered + 2 * self.longest_asking

    @property
    def longest_redial(self) -> float:
        """Seconds from the loss of a connection to the next one in a healed world, at the worst.

        The pause must pass and the dial must succeed; what the server asked for in Retry-After and what the dial window
        forbids comes on top.
        """
        config, weather = self.config, self.plan.weather
        # A wide window fills only where pauses between dials do not grow.
        may_fill = config.dial_window.count < 100 or config.backoff.factor == 1.0
        window = config.dial_window.period if may_fill else 0.0
        pauses = config.backoff.maximum + window + LONGEST_RETRY_AFTER
        if self.plan.doors.dead is not None:
            pauses += config.timeouts.connect + config.backoff.maximum  # the next one is dialled behind it
        return pauses + config.timeouts.connect + 8 * (weather.delay + weather.jitter)

    @property
    def longest_way_back(self) -> float:
        """Seconds from a healed world to an open feed that delivers, at the worst.

        A dead connection must be noticed, a dial that hangs must time out, the feed must dial again, and a message must
        be published. A service that closes what is too old may do so meanwhile.
        """
        config = self.config
        keepalive, staleness = config.keepalive, config.staleness
        notice = keepalive.interval + keepalive.timeout if keepalive.interval is not None else staleness.after or 0.0
        stalled = max(0.0, self.process.awake_at - self.now)
        publish = 2 * len(self.plan.streams) / self.plan.rate + self.plan.flush_every
        hung = config.timeouts.connect + config.backoff.maximum
        if self.snapshots is not None:
            publish += self.snapshots.longest
        redials = 1 if self.plan.rules.max_age is None else 2
        rest = _LONGEST_REST if "slow_consumer" in self.plan.pauses else 0.0
        way = self.put_off + stalled + notice + hung + redials * self.longest_redial + publish + self.longest_mending
        return rest + way + self.longest_doubt + self.longest_sulk

    @property
    def longest_sulk(self) -> float:
        """Seconds for which a feed may leave alone the names that are open, while it retries at another. Then all are
        dialled in turn.
        """
        doors = self.plan.doors
        return 0.0 if doors.dead is None else _STRUCK_OUT_FOR + doors.count * self.longest_redial

    @property
    def longest_doubt(self) -> float:
        """Seconds for which messages may be held until it is known where they stand."""
        rotation = self.config.rotation or Rotation()
        return 2 * rotation.overlap_timeout if self.plan.overlaps else 0.0
