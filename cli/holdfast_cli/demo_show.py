"""What is seen while the demo runs: lines, or on a terminal a view that stands still."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from holdfast import Connected, Connecting, Event, FeedStats
from holdfast_cli.lines import state_line

_RATE_SPAN = 1.0  # seconds over which messages/s is measured
_FRAME_LINES = 9  # of the view, beside the events
_MAX_EVENTS = 25
_EXCHANGE, _FEED, _USER = "exchange", "feed", "user"
_STATE_STYLES = {"open": "bold green", "waiting": "bold yellow", "connecting": "bold yellow"}


class Show(ABC):
    """Is told what happens. `at` is seconds since the exchange started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def exchange_did(self, at: float, what: str) -> None:
        """A fault struck."""
        self._note(at, _EXCHANGE, what)

    def feed_said(self, at: float, event: Event) -> None:
        """An event came out of the feed."""
        if (text := _text_of(event)) is not None:
            self._note(at, _FEED, text)

    def feed_did(self, at: float, what: str) -> None:
        """What many events of the feed come to."""
        self._note(at, _FEED, what)

    def user_did(self, at: float, what: str) -> None:
        """The user of the feed asked for something."""
        self._note(at, _USER, what)

    def refresh(self, at: float, stats: FeedStats) -> None:  # noqa: B027  # lines need no refreshing
        """The feed at this moment; called several times a second."""

    @abstractmethod
    def _note(self, at: float, who: str, what: str) -> None: ...


def make_show(console: Console, title: str, seconds: float) -> Show:
    """The view if the console is a terminal that can move its cursor, else lines."""
    if console.file.isatty() and console.is_terminal and not console.is_dumb_terminal:
        return LiveShow(console, title, seconds)
    return LineShow(console)


def _text_of(event: Event) -> str | None:
    if isinstance(event, Connecting):
        return f"dials, attempt {event.attempt}"
    if isinstance(event, Connected):
        return f"connected in {event.took * 1000:.1f} ms"  # without the URL, which is long and always the same
    line = state_line(event)
    return line.decode().removeprefix("holdfast: ").rstrip() if line else None


class LineShow(Show):
    """One line for each event, written at once."""

    def __init__(self, console: Console) -> None:
        self._file = console.file

    def _note(self, at: float, who: str, what: str) -> None:
        print(f"{at:6.2f}  {who:<8}  {what}", file=self._file, flush=True)


class LiveShow(Show):
    """The feed's state, its figures and the last events, in place."""

    def __init__(self, console: Console, title: str, seconds: float) -> None:
        self._console = console
        self._title = title
        self._seconds = seconds
        self._events: deque[tuple[float, str, str]] = deque(maxlen=_MAX_EVENTS)
        self._counts: deque[tuple[float, int]] = deque()  # (at, messages) of the last second
        # We refresh it ourselves: a thread of its own would read the feed while the loop changes it.
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def refresh(self, at: float, stats: FeedStats) -> None:
        self._live.update(self.render(at, stats), refresh=True)

    def render(self, at: float, stats: FeedStats) -> RenderableType:
        """The view as it is at this moment."""
        elapsed = Text(f"{min(at, self._seconds):4.1f} of {self._seconds:g} s", style="bold")
        head = Table.grid(expand=True)
        head.add_column(no_wrap=True, overflow="ellipsis")
        head.add_column(justify="right", no_wrap=True)
        head.add_row(Text(self._title, style="bold"), elapsed)
        return Group(
            head,
            Panel(self._figures(at, stats), title="the feed", title_align="left", border_style="dim"),
            Panel(self._last_events(), title="what happens", title_align="left", border_style="dim"),
        )

    def _figures(self, at: float, stats: FeedStats) -> RenderableType:
        state = Text(stats.state, style=_STATE_STYLES.get(stats.state, ""))
        if stats.connected_for is not None:
            state.append(f" for {stats.connected_for:.1f} s", style="not bold default")
        grid = Table.grid(expand=True)
        for ratio in (2, 3, 2, 3):
            grid.add_column(ratio=ratio, no_wrap=True)
        grid.add_row(_name("state"), state, _name("messages/s"), f"{self._rate(at, stats.messages):.0f}")
        grid.add_row(_name("last message"), _age(stats.data_age), _name("messages"), f"{stats.messages:,}")
        grid.add_row(_name("round trip"), _milliseconds(stats.rtt), _name("queue"), f"{stats.queued_messages:,}")
        grid.add_row(_name("reconnects"), f"{max(0, stats.connections - 1)}", _name("gaps"), f"{stats.gaps}")
        return grid

    def _last_events(self) -> RenderableType:
        room = max(1, min(_MAX_EVENTS, self._console.height - _FRAME_LINES - 1))
        shown = list(self._events)[-room:]
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.add_column(justify="right", width=6, style="dim")
        grid.add_column(width=len(_EXCHANGE))
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for at, who, what in shown:
            style = "bold red" if who == _EXCHANGE else ""
            grid.add_row(f"{at:.2f}", Text(who, style=style), Text(what, style=style))
        for _ in range(room - len(shown)):  # of one height, so that nothing jumps
            grid.add_row("", "", "")
        return grid

    def _note(self, at: float, who: str, what: str) -> None:
        self._events.append((at, who, what))

    def _rate(self, at: float, messages: int) -> float:
        self._counts.append((at, messages))
        while self._counts[0][0] < at - _RATE_SPAN:
            self._counts.popleft()
        since, before = self._counts[0]
        return (messages - before) / (at - since) if at > since else 0.0


def _name(text: str) -> Text:
    return Text(text, style="dim")


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _age(seconds: float | None) -> Text:
    if seconds is None:
        return Text("-")
    if seconds < 1:
        return Text(f"{seconds * 1000:.0f} ms ago")
    return Text(f"{seconds:.1f} s ago", style="bold red")
