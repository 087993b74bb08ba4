"""What is hidden in texts that people read, and what is left for them to read."""

from __future__ import annotations

import pytest

from holdfast.masking import mask_bad_url, mask_cut, mask_urls


@pytest.mark.parametrize(
    "text",
    [
        "",
        "too many requests",
        "Basic authentication required",
        "mail to admin@example.com",
        "see https://docs.example.com/errors#4001",
        "wss://example.com:9443/stream?streams=btcusdt@trade/ethusdt@trade",
        "wss://example.com?streams=btcusdt@trade",
        "connecting to wss://[::1]:8443",
        "wss://[::1]",
        "(wss://example.com:8443)",
        "https://example.com:",
        '{"error":"a=b?","url":"wss://example.com/?x=1","code":401}',
        "https://example.com/?next=https://example.com/a?b=c",
    ],
)
def test_what_is_no_secret_can_be_read(text: str) -> None:
    assert mask_urls(text) == text
    assert mask_urls(mask_urls(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at wss://u:p@h/: no", "at wss://***@h/: no"),
        ("wss://u:p@h/ and ws://t@i", "wss://***@h/ and ws://***@i"),
        ("wss://h/?token=t&a=b: no", "wss://h/?token=***&a=b: no"),
        ('{"url":"wss://h/?token=t","error":"no"}', '{"url":"wss://h/?token=***","error":"no"}'),
        ("cut off at wss://user:pass", "cut off at wss://***@"),
        ("https://h/?next=wss%3A%2F%2Fu%3Ap%40h", "https://h/?next=***"),
        ("https://h/?a=b#access_token=t", "https://h/?a=b#access_token=***"),
        ("/private?listenKey=k", "/private?listenKey=***"),
    ],
)
def test_what_is_hidden_is_the_secret_alone(text: str, shown: str) -> None:
    assert mask_urls(text) == shown
    assert mask_urls(shown) == shown


def test_behind_the_cut_of_a_url_nobody_knows_what_is_secret() -> None:
    assert mask_cut("no entry to wss://tok") == "no entry to wss://***"
    assert mask_cut("no entry to wss://h/, sorr") == "no entry to wss://h/, sorr"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://h:port/?token=@t", "ws://***"),
        ("ws://u:p@h:port/?token=t", "ws://***@h:port/?token=***"),
        ("ws://h/#token=t", "ws://h/#token=***"),
        ("http://h/?a=b#token=t", "http://h/?a=b#token=***"),
        ("h/feed", "h/feed"),
    ],
)
def test_a_bad_url_shows_what_is_certainly_no_secret(url: str, shown: str) -> None:
    assert mask_bad_url(url) == shown
