"""The exchange behind real sockets, as clients on asyncio, trio and plain sockets meet it."""

from __future__ import annotations

import gc
import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from queue import SimpleQueue

import pytest

from holdfast.testing import CombinedStreams, Exchange, FaultRecord, Publication, Reset, Stream
from holdfast.wire import CLOSE, client_frame, close_payload
from holdfast_cli import exchange_host
from holdfast_cli.exchange_host import ExchangeHost
from holdfast_cli.transports import load_transport

STREAMS = (Stream("a@trade", 400), Stream("b@trade", 400))
PATH = "/stream?streams=a@trade/b@trade"
UPGRADE = (
    b"GET %b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class WordyService(CombinedStreams):
    def message(self, publication: Publication, wall_time: float) -> str:
        return super().message(publication, wall_time) + " " * 50_000


class BrokenService(CombinedStreams):
    def message(self, publication: Publication, wall_time: float) -> str:
        raise LookupError("broken")


def dial(host: ExchangeHost, target: str = PATH) -> socket.socket:
    """A client that has asked for the upgrade."""
    name, _, port = host.url.removeprefix("ws://").partition(":")
    client = socket.create_connection((name, int(port)), timeout=10)
    client.sendall(UPGRADE % target.encode())
    return client


def read_all(client: socket.socket) -> bytes:
    data = b""
    while chunk := client.recv(65536):
        data += chunk
    return data


def wait_for(condition: Callable[[], object]) -> None:
    """Sockets report to the host when they please."""
    for _ in range(10_000):
        if condition():
            return
        threading.Event().wait(0.001)
    pytest.fail("it never came")


def open_connections(host: ExchangeHost) -> int:
    return host.ask(lambda exchange, _now: exchange.open_connections)


@pytest.mark.parametrize("transport", ["asyncio", "trio"])
def test_a_feed_gets_what_was_published(transport: str) -> None:
    loaded = load_transport(transport)
    taken: list[tuple[str, int]] = []

    async def main(url: str) -> None:
        async with loaded.open_feed(url) as feed:
            async for message in feed:
                parsed = json.loads(message)
                taken.append((parsed["stream"], parsed["data"]["t"]))
                if len(taken) == 20:
                    break

    with ExchangeHost(Exchange(STREAMS)) as host:
        loaded.run(partial(main, host.url + PATH))
        wait_for(lambda: open_connections(host) == 0)
        published = host.ask(lambda exchange, _now: list(exchange.ledger.publications))
        (record,) = host.ask(lambda exchange, _now: list(exchange.ledger.connections))
    order = [(one.stream, one.sequence) for one in published]
    first = order.index(taken[0])
    assert order[first : first + 20] == taken
    assert record.written.total() >= 20
    assert record.ended_at is not None


def test_a_reset_is_a_reset() -> None:
    struck: SimpleQueue[FaultRecord] = SimpleQueue()
    with ExchangeHost(Exchange(STREAMS), struck.put) as host, dial(host) as client:
        assert client.recv(12) == b"HTTP/1.1 101"
        host.ask(lambda exchange, now: exchange.strike(Reset(), now))
        assert struck.get_nowait().fault == Reset()
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_a_refusal_is_sent_whole_and_then_ends() -> None:
    with ExchangeHost(Exchange(STREAMS)) as host, dial(host, "/nowhere") as client:
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\n")


def test_a_close_waits_for_what_was_written() -> None:
    with ExchangeHost(Exchange(STREAMS, service=WordyService())) as host, dial(host) as client:
        assert client.recv(12) == b"HTTP/1.1 101"
        host.ask(lambda exchange, now: exchange.tick(now + 0.2))  # 8 MB: more than the sockets take unread
        client.sendall(client_frame(CLOSE, close_payload(1000), b"mask"))
        wait_for(lambda: open_connections(host) == 0)
        assert read_all(client).endswith(b"\x88\x02\x03\xe8")


def test_nothing_is_left() -> None:
    before = threading.enumerate()
    with ExchangeHost(Exchange(STREAMS)) as host:
        client = dial(host)
        assert client.recv(12) == b"HTTP/1.1 101"
        assert len(threading.enumerate()) == len(before) + 1
    assert threading.enumerate() == before
    with client, pytest.raises(ConnectionResetError):
        read_all(client)
    with pytest.raises(ConnectionRefusedError):
        dial(host)


def test_who_comes_while_it_ends_leaves_nothing_open_either() -> None:
    """A server of asyncio that is closed while it accepts a connection would leave that open."""
    for _ in range(30):
        with ExitStack() as stack:
            with ExchangeHost(Exchange(STREAMS)) as host:
                for _ in range(5):
                    client = stack.enter_context(socket.socket())
                    client.setblocking(False)
                    client.connect_ex(("127.0.0.1", int(host.url.rpartition(":")[2])))
    gc.collect()  # which would warn


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_host, "MAX_UNSENT", 64 * 1024)
    with ExchangeHost(Exchange(STREAMS, service=WordyService())) as host, dial(host) as client:
        assert client.recv(12) == b"HTTP/1.1 101"
        host.ask(lambda exchange, now: exchange.tick(now + 1))
        wait_for(lambda: open_connections(host) == 0)


def test_what_goes_wrong_in_a_question_goes_to_who_asked() -> None:
    def ask_for_trouble(_exchange: Exchange, _now: float) -> None:
        raise LookupError("no such thing")

    with ExchangeHost(Exchange(STREAMS)) as host:
        with pytest.raises(LookupError, match="no such thing"):
            host.ask(ask_for_trouble)
        assert open_connections(host) == 0


def test_a_broken_exchange_does_not_go_unnoticed() -> None:
    exchange = Exchange(STREAMS, service=BrokenService())
    with (
        pytest.raises(RuntimeError, match="broke down") as caught,
        ExchangeHost(exchange) as host,
        dial(host) as client,
    ):
        client.recv(12)
        wait_for(lambda: host.ask(lambda exchange, _now: exchange.ledger.counts.total() > 800))
    assert isinstance(caught.value.__cause__, LookupError)
    assert not any(thread.name == "holdfast exchange" for thread in threading.enumerate())


def test_a_broken_exchange_is_told_of_at_the_end() -> None:
    host = ExchangeHost(Exchange(STREAMS, service=BrokenService()))
    with pytest.raises(RuntimeError, match="broke down"), host, dial(host):
        wait_for(lambda: host._broken)


def test_an_exchange_that_cannot_start_says_so() -> None:
    exchange = Exchange(STREAMS)
    exchange.start(0.0)
    with pytest.raises(Exception, match="starts once"), ExchangeHost(exchange):
        pytest.fail("it started")
    assert not any(thread.name == "holdfast exchange" for thread in threading.enumerate())
