"""HTTP redirects: followed at once, at most so many, and the way home is not forgotten."""

from __future__ import annotations

import pytest

from helpers.peer import Manners
from helpers.world import World
from holdfast import Cause, Closed, DialWindow, Endpoint, Failure, Redirected, Retry, RetryScheduled

GOOD = Manners()


def leading(location: str, status: int = 302) -> Manners:
    return Manners(status=status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_at_once(status: int) -> None:
    world = World(manners=[leading("ws://other/b?token=hidden", status), GOOD]).open()
    assert [(at, endpoint.host, endpoint.target) for at, endpoint in world.dials] == [
        (1000, "example.com", "/feed"),
        (1000, "other", "/b?token=hidden"),
    ]
    assert world.kinds == ["Connecting", "ConnectFailed", "Redirected", "Connecting", "Connected"]
    assert world.events(Redirected)[0] == Redirected(1000, "ws://other/b?token=***", status)
    assert world.attempts == [1, 1]


def test_after_a_redirect_was_used_the_next_dial_goes_home() -> None:
    world = World(manners=[leading("ws://other/"), GOOD, GOOD]).open()
    world.peer.hang_up()
    world.run(2)
    assert [endpoint.host for _, endpoint in world.dials] == ["example.com", "other", "example.com"]


def test_after_a_redirect_led_nowhere_the_next_dial_goes_home() -> None:
    refused = Manners(dial_failure=Failure(Cause.REFUSED))
    world = World(manners=[leading("ws://other/"), refused, GOOD]).open()
    assert [endpoint.host for _, endpoint in world.dials] == ["example.com", "other", "example.com"]
    assert world.attempts == [1, 1, 2]


@pytest.mark.parametrize("most", [0, 1, 5])
def test_redirects_in_a_row_are_bounded(most: int) -> None:
    world = World({"retry": Retry(max_redirects=most)}, leading("/again")).start()
    world.run(100)
    assert len(world.dials) == most + 1
    assert f"more than {most} redirects" in world.ended.reason


def test_the_count_of_redirects_starts_anew_with_every_dial_of_ours() -> None:
    refused = Manners(dial_failure=Failure(Cause.REFUSED))
    world = World({"retry": Retry(max_redirects=1)}, [*[leading("/b"), refused] * 4, GOOD]).open()
    assert len(world.dials) == 9


@pytest.mark.parametrize("location", ["ws://example.com/", "http://[", "http://other/", "ftp://other/", "wss://h:0/"])
def test_a_redirect_that_must_not_be_followed_ends_the_feed(location: str) -> None:
    world = World(manners=leading(location), source="wss://user:hunter2@example.com/feed").start()
    world.run(100)
    assert len(world.dials) == 1
    assert isinstance(world.items[-1], Closed)
    assert "hunter2" not in world.ended.reason


def test_a_redirect_without_location_ends_the_feed() -> None:
    world = World(manners=Manners(status=302)).start()
    world.run(100)
    assert "Location" in world.ended.reason


def test_credentials_do_not_travel() -> None:
    endpoint = Endpoint("wss://user:pass@example.com/", headers=(("Cookie", "a=b"), ("X-Client", "1")))
    world = World(manners=[leading("wss://other/"), leading("wss://example.com/"), GOOD], source=endpoint).open()
    for _, dialled in world.dials[1:]:
        assert dialled.authorization is None
        assert dialled.headers == (("X-Client", "1"),)


def test_a_redirect_that_waits_for_the_window_belongs_to_its_attempt() -> None:
    world = World({"dial_window": DialWindow(1, 50)}, [leading("/b"), GOOD]).open()
    assert world.attempts == [1, 1]
    assert [event.attempt for event in world.events(RetryScheduled)] == [1]
