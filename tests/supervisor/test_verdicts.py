"""The table of verdicts, row by row: what each failure leads to."""

from __future__ import annotations

import pytest

from helpers.frames import server_frame
from helpers.peer import Manners, Peer
from helpers.world import World
from holdfast import Cause, ConnectFailed, Failure, Limits, Retry, RetryScheduled
from holdfast.supervisor.verdict import judge, parse_retry_after
from holdfast.verdicts import Action
from holdfast.wire import BINARY

GOOD = Manners()
FINAL = {Cause.CERTIFICATE, Cause.CLIENT_CERTIFICATE, Cause.PROXY_AUTH}


def closing(code: int) -> Manners:
    def close(peer: Peer) -> None:
        if code == 1005:
            peer.send_raw(b"\x88\x00")
        else:
            peer.say_close(code)

    return Manners(on_open=close)


RETRIED = [
    *(Manners(dial_failure=Failure(cause)) for cause in (Cause.DNS, Cause.REFUSED, Cause.RESET, Cause.DIAL_TIMEOUT)),
    Manners(dial_failure=Failure(Cause.TLS)),
    *(Manners(dial_failure=Failure(Cause.PROXY, status=status)) for status in (None, 302, 401, 404, 429, 502, 504)),
    *(Manners(status=status) for status in (408, 425, 429, 418, 500, 502, 503, 504, 599)),
    Manners(on_open=lambda peer: peer.hang_up()),
    Manners(on_open=lambda peer: peer.hang_up(Failure(Cause.RESET))),
    *(closing(code) for code in (1000, 1001, 1005, 1011, 1012, 1013, 3000, 3999)),
]


@pytest.mark.parametrize("bad", RETRIED)
def test_what_may_pass_is_retried_for_ever(bad: Manners) -> None:
    world = World({"retry": Retry(max_policy_closes=2)}, bad).start()
    world.run(200)
    assert world.fleet.ended is None
    assert len(world.dials) > 20
    delays = [event.delay for event in world.events(RetryScheduled)]
    assert delays[:5] == [1, 2, 4, 8, 8]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 405, 426, 451])
def test_what_no_retry_mends_ends_the_feed(status: int) -> None:
    world = World(manners=Manners(status=status, body=b"because")).start()
    world.run(100)
    assert world.kinds == ["Connecting", "ConnectFailed", "Closed"]
    failure = world.ended.failure
    assert failure is not None
    assert (failure.status, failure.detail) == (status, "because")
    assert world.ended.reason
    assert world.fleet.is_closed


@pytest.mark.parametrize(
    ("status", "telling"),
    [(400, "headers"), (401, "credentials"), (403, "forbids"), (404, "nothing at this URL"), (410, "gone for good")],
)
def test_the_reason_says_what_the_status_means(status: int, telling: str) -> None:
    assert telling in judge(Failure(Cause.HTTP, status=status), 0.0, 0.0).reason


def test_a_certificate_that_does_not_verify_ends_the_feed() -> None:
    world = World(manners=Manners(dial_failure=Failure(Cause.CERTIFICATE, "expired"))).start()
    world.run(100)
    assert world.kinds == ["Connecting", "ConnectFailed", "Closed"]
    assert "certificate" in world.ended.reason


@pytest.mark.parametrize(
    ("failure", "telling"),
    [
        (Failure(Cause.CLIENT_CERTIFICATE, "certificate required"), "load_cert_chain"),
        (Failure(Cause.PROXY_AUTH, status=407), "user and password"),
        (Failure(Cause.PROXY_AUTH), "user and password"),
        (Failure(Cause.PROXY, status=403), "proxy forbids"),
    ],
)
def test_what_only_other_credentials_or_ways_mend_ends_the_feed(failure: Failure, telling: str) -> None:
    world = World(manners=Manners(dial_failure=failure)).start()
    world.run(100)
    assert world.kinds == ["Connecting", "ConnectFailed", "Closed"]
    assert telling in world.ended.reason


def test_a_busy_proxy_says_when_to_come_back() -> None:
    failure = Failure(Cause.PROXY, status=503, headers=(("Retry-After", "100"),))
    assert judge(failure, 0.0, 3600.0).wait == 100
    assert judge(failure, 0.0, 60.0).wait == 60


POLICY = [1002, 1003, 1007, 1008, 1009, 1010, 4000, 4001, 4500, 4999]


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("code", POLICY)
def test_closes_that_blame_us_end_the_feed_when_they_repeat(code: int, most: int) -> None:
    world = World({"retry": Retry(max_policy_closes=most)}, closing(code)).start()
    world.run(200)
    assert len(world.dials) == most
    assert world.ended.failure == Failure(Cause.CLOSED, code=code)
    assert "max_policy_closes" in world.ended.reason
    assert world.kinds[-2:] == ["Gap", "Closed"]


def test_violations_count_as_closes_that_blame_somebody() -> None:
    def too_long(peer: Peer) -> None:
        peer.send_raw(server_frame(BINARY, b"x" * 101))

    options = {"retry": Retry(max_policy_closes=3), "limits": Limits(max_message_size=100)}
    world = World(options, Manners(on_open=too_long)).start()  # type: ignore[arg-type]
    world.run(200)
    assert len(world.dials) == 3
    assert world.fleet.is_closed


def test_policy_closes_are_counted_over_other_failures() -> None:
    refused = Manners(dial_failure=Failure(Cause.REFUSED))
    world = World({"retry": Retry(max_policy_closes=2)}, [closing(1008), refused, closing(4000), GOOD]).start()
    world.run(200)
    assert len(world.dials) == 3
    assert world.fleet.is_closed


def deliver_for_six_seconds(peer: Peer) -> None:
    peer.send("data")
    peer.world.later(6, lambda: peer.send("data"))


def test_health_forgives_policy_closes() -> None:
    retry = Retry(stable_after=5, max_policy_closes=2)
    healthy = Manners(on_open=deliver_for_six_seconds)
    world = World({"retry": retry}, [closing(1008), healthy, closing(1008), GOOD]).start()
    world.run(10)
    world.peer.hang_up()
    world.run(20)
    assert world.fleet.is_open


def test_an_answer_that_is_no_websocket_ends_the_feed_when_it_repeats() -> None:
    world = World({"retry": Retry(max_policy_closes=3)}, Manners(status=200, body=b"<html>")).start()
    world.run(200)
    assert len(world.dials) == 3
    assert world.fleet.is_closed


@pytest.mark.parametrize("most", [1, 2, 5])
def test_the_last_attempt_ends_the_feed(most: int) -> None:
    world = World({"retry": Retry(max_attempts=most)}, Manners(dial_failure=Failure(Cause.REFUSED))).start()
    world.run(200)
    assert world.attempts == list(range(1, most + 1))
    assert "max_attempts" in world.ended.reason
    assert world.ended.failure == Failure(Cause.REFUSED)


def test_attempts_count_since_the_last_healthy_connection() -> None:
    refused = Manners(dial_failure=Failure(Cause.REFUSED))
    healthy = Manners(on_open=deliver_for_six_seconds)
    world = World({"retry": Retry(stable_after=5, max_attempts=3)}, [refused, refused, healthy, refused, GOOD]).start()
    world.run(20)
    world.peer.hang_up()
    world.run(20)
    assert world.attempts == [1, 2, 3, 1, 2]
    assert world.fleet.is_open


# Waiting because the server asks for it


def rejecting(status: int, retry_after: str) -> list[Manners]:
    return [Manners(status=status, headers={"Retry-After": retry_after}), GOOD]


@pytest.mark.parametrize("status", [429, 418, 503])
def test_retry_after_is_waited_for_and_the_pause_comes_on_top(status: int) -> None:
    world = World(manners=rejecting(status, "60")).start()
    world.run(100)
    assert [at for at, _ in world.dials] == [1000, 1061]
    assert world.events(RetryScheduled)[0].delay == 61


def test_retry_after_is_capped() -> None:
    world = World({"retry": Retry(retry_after_cap=100)}, rejecting(429, "86400")).start()
    world.run(200)
    assert [at for at, _ in world.dials] == [1000, 1101]


@pytest.mark.parametrize("header", ["0", "-5", "soon", "1.5", "", "9e9", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_asks_for_nothing_is_the_common_pause(header: str) -> None:
    world = World(manners=rejecting(503, header), wall_offset=1.7e9).start()
    world.run(10)
    assert [at for at, _ in world.dials] == [1000, 1001]


def test_a_date_is_read_by_the_wall_clock() -> None:
    # 2026-11-21 12:00:00 UTC is 1795262400.
    world = World(manners=rejecting(503, "Sat, 21 Nov 2026 12:00:00 GMT"), wall_offset=1795262400 - 1040).start()
    world.run(100)
    assert [at for at, _ in world.dials] == [1000, 1041]


def test_the_wall_clock_may_be_set_meanwhile() -> None:
    world = World(manners=rejecting(503, "Sat, 21 Nov 2026 12:00:00 GMT"))
    world.start()
    world.fleet.set_wall_offset(1795262400 - 1010)
    world.run(100)
    assert [at for at, _ in world.dials] == [1000, 1011]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("120", 120),
        (" 120 ", 120),
        ("99999999999999999999", 9999999999),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:01:60 GMT", 109),
        ("Thu, 31 Feb 1970 00:01:40 GMT", 0),
        ("Thu, 01 Foo 1970 00:01:40 GMT", 0),
        ("Thu, 01 Jan 0000 00:01:40 GMT", 0),
        ("Thu, 01 Jan 1970 25:01:40 GMT", 0),
        ("\u0661\u0662", 0),
    ],
)
def test_retry_after_in_all_its_forms(value: str | None, seconds: float) -> None:
    assert parse_retry_after(value, 10.0) == seconds


@pytest.mark.parametrize("value", ["Thursday, 01-Jan-70 00:01:40 GMT", "Thu Jan  1 00:01:40 1970"])
def test_obsolete_dates_are_read(value: str) -> None:
    assert parse_retry_after(value, 10.0) == 90


def test_leading_zeros_do_not_hide_a_number() -> None:
    assert parse_retry_after("00000000000120", 10.0) == 120


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_verdict(cause: Cause) -> None:
    verdict = judge(Failure(cause, code=1000, status=500), 0.0, 100.0)
    expected = Action.GIVE_UP if cause in FINAL else Action.RETRY
    assert verdict.action is expected
    assert (verdict.reason != "") == (expected is Action.GIVE_UP)


def test_a_failed_dial_is_told_before_what_follows_from_it() -> None:
    world = World(manners=[Manners(status=500), GOOD]).start().run(2)
    assert world.kinds == ["Connecting", "ConnectFailed", "RetryScheduled", "Connecting", "Connected"]
    scheduled = world.events(RetryScheduled)[0]
    assert scheduled.failure is world.events(ConnectFailed)[0].failure
    assert (scheduled.attempt, world.attempts[1]) == (2, 2)
