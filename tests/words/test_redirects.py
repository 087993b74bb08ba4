"""Where an HTTP redirect leads, and what may go there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Endpoint, InvalidURL

SECRETS = (("Authorization", "Bearer x"), ("cookie", "a=b"), ("Proxy-Authorization", "y"))
HARMLESS = (("Origin", "https://app"), ("X-Client", "1"))


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("wss://other/b", "wss://other/b"),
        ("https://other/b", "wss://other/b"),
        ("HTTPS://other/b", "wss://other/b"),
        ("/b", "wss://h:1234/b"),
        ("b", "wss://h:1234/dir/b"),
        ("../b", "wss://h:1234/b"),
        ("?q=2", "wss://h:1234/dir/a?q=2"),
        ("//other:99/b", "wss://other:99/b"),
        (" /b ", "wss://h:1234/b"),
    ],
)
def test_locations_are_resolved(location: str, leads_to: str) -> None:
    assert Endpoint("wss://h:1234/dir/a?q=1").redirected(location).safe_url == leads_to


def test_encryption_may_be_gained() -> None:
    assert Endpoint("ws://h/a").redirected("https://h/a").secure


@pytest.mark.parametrize("location", ["ws://h/", "http://h/", "WS://h/", "HTTP://other/"])
def test_encryption_is_never_given_up(location: str) -> None:
    with pytest.raises(InvalidURL, match="encryption"):
        Endpoint("wss://user:secret@h/").redirected(location)


@pytest.mark.parametrize(
    "location", ["ftp://h/", "javascript:alert(1)", "ws://h:0/", "ws://h:99999/", "/a b", "http://[", "//[bad/"]
)
def test_a_location_that_leads_nowhere_is_refused(location: str) -> None:
    with pytest.raises(InvalidURL):
        Endpoint("ws://user:hunter2@h/").redirected(location)


def test_credentials_stay_on_the_same_host_and_port() -> None:
    endpoint = Endpoint("wss://user:pass@h/a", headers=SECRETS + HARMLESS, server_name="certified")
    target = endpoint.redirected("/b")
    assert target.headers == SECRETS + HARMLESS
    assert target.authorization == endpoint.authorization
    assert target.server_name == "certified"


def test_user_info_stays_when_the_same_host_is_spelt_out() -> None:
    endpoint = Endpoint("wss://user:pass@H:443/a")
    target = endpoint.redirected("https://h/b")
    headers = [value for name, value in target.headers if name == "Authorization"]
    assert [*headers, target.authorization][0] == endpoint.authorization
    assert len(headers) <= 1


@pytest.mark.parametrize("location", ["wss://other/b", "wss://h:444/b", "//other/b", "wss://sub.h/b", "wss://h.evil/b"])
def test_credentials_go_to_no_other_host_or_port(location: str) -> None:
    target = Endpoint("wss://user:pass@h/a", headers=SECRETS + HARMLESS, server_name="h").redirected(location)
    assert target.headers == HARMLESS
    assert target.authorization is None
    assert "user" not in target.url
    assert target.server_name is None


def test_credentials_do_not_come_back_over_two_redirects() -> None:
    target = Endpoint("wss://user:pass@h/a", headers=SECRETS).redirected("wss://other/").redirected("wss://h/a")
    assert target.headers == ()
    assert target.authorization is None


def test_the_rest_of_the_endpoint_stays() -> None:
    context = object()
    target = Endpoint("wss://h/a", subprotocols=("v1",), tls=context).redirected("wss://other/")
    assert target.subprotocols == ("v1",)
    assert target.tls is context


def test_authorization_is_sent_once_after_a_redirect() -> None:
    endpoint = Endpoint("wss://user:pass@h/a", headers=(("Authorization", "Bearer x"),))
    target = endpoint.redirected("wss://h/b")
    assert [value for name, value in target.headers if name == "Authorization"] == ["Bearer x"]


@pytest.mark.parametrize("name", ["X-API-Key", "X-MBX-APIKEY", "X-Auth-Token", "Api-Secret"])
def test_api_keys_go_to_no_other_host(name: str) -> None:
    assert Endpoint("wss://h/", headers=((name, "secret"),)).redirected("wss://other/").headers == ()


@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_any_location_is_followed_or_refused(location: str) -> None:
    """Headers reach us as Latin-1."""
    for prefix in ("", "/", "//", "https://", "wss://h:"):
        try:
            target = Endpoint("wss://user:pass@h/a").redirected(prefix + location)
        except InvalidURL:
            continue
        assert target.secure
