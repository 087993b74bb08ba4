"""What is seen while the demo runs."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from holdfast import Cause, Connected, Connecting, Failure, FeedStats, Gap, PongReceived
from holdfast_cli.demo_show import LineShow, LiveShow, make_show
from testing.link import stats

CUT = Failure(Cause.RESET)
URL = "ws://127.0.0.1:1/stream?streams=" + "a@trade/" * 20


def console(width: int = 80, height: int = 24) -> Console:
    return Console(file=StringIO(), width=width, height=height, force_terminal=True, color_system=None)


def view_of(show: LiveShow, at: float, shown: FeedStats, width: int = 80, height: int = 24) -> list[str]:
    screen = console(width, height)
    screen.print(show.render(at, shown))
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def test_lines_are_one_for_each_event() -> None:
    out = StringIO()
    show = LineShow(Console(file=out))
    with show:
        show.feed_said(0.004, Connecting(0.0, 1, URL, 1))
        show.feed_said(0.01, Connected(0.0, 1, URL, 0.0064))
        show.exchange_did(3.0, "resets every connection")
        show.feed_said(3.2, Gap(3.2, 3.0, 3.2, CUT))
        show.feed_said(3.3, PongReceived(3.3, 1, 0.1))
        show.refresh(3.5, stats())
    assert out.getvalue().splitlines() == [
        "  0.00  feed      dials, attempt 1",
        "  0.01  feed      connected in 6.4 ms",
        "  3.00  exchange  resets every connection",
        "  3.20  feed      gap of 0.2 s: messages may have been lost: connection reset",
    ]


def test_a_file_gets_lines_and_a_terminal_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_show(Console(file=StringIO(), force_terminal=True), "demo", 9), LineShow)
    assert isinstance(make_show(Console(file=Terminal()), "demo", 9), LiveShow)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_show(Console(file=Terminal()), "demo", 9), LineShow)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 12)])
def test_the_view_fits_the_screen_and_does_not_jump(width: int, height: int) -> None:
    show = LiveShow(console(width, height), "holdfast demo", 27)
    empty = view_of(show, 0.0, stats(), width, height)
    for number in range(50):
        show.exchange_did(number, f"event {number}, which has quite a long text " + "that goes on " * 20)
    full = view_of(show, 12.5, stats(rtt=0.0004, data_age=123.4, connected_for=9.0), width, height)
    assert len(empty) == len(full) < height
    assert {len(line) for line in empty + full} == {width}
    newest = next(line for line in reversed(full) if "event" in line)
    assert "49.00" in newest
    assert "event 49," in newest
    assert "…" in newest


def test_the_view_shows_the_figures() -> None:
    show = LiveShow(console(), "holdfast demo", 27)
    view_of(show, 10.0, stats(messages=1000))
    text = "\n".join(
        view_of(
            show,
            10.5,
            stats(
                state="open",
                connected_for=3.21,
                messages=1075,
                data_age=0.004,
                rtt=0.0004,
                queued_messages=17,
                connections=4,
                gaps=3,
            ),
        )
    )
    words = " ".join(text.replace("│", " ").split())
    for figure in (
        "10.5 of 27 s",
        "state open for 3.2 s",
        "messages/s 150",
        "last message 4 ms ago",
        "messages 1,075",
        "round trip 0.4 ms",
        "queue 17",
        "reconnects 3",
        "gaps 3",
    ):
        assert figure in words


def test_what_is_not_known_yet_is_a_dash() -> None:
    words = " ".join("\n".join(view_of(LiveShow(console(), "demo", 27), 0.0, stats())).split())
    assert "state idle" in words
    assert "last message -" in words
    assert "round trip -" in words
    assert "reconnects 0" in words


def test_the_view_gives_the_terminal_back() -> None:
    screen = console()
    with pytest.raises(KeyboardInterrupt), LiveShow(screen, "demo", 27) as show:
        show.refresh(1.0, stats())
        raise KeyboardInterrupt
    shown: str = screen.file.getvalue()  # type: ignore[attr-defined]
    assert shown.index("\x1b[?25l") < shown.index("the feed") < shown.rindex("\x1b[?25h")
