"""`holdfast tail`: a feed as lines, for people and pipes."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

import click

from holdfast import Backoff, ConfigError, Event, FeedOptions, GaveUp, Service, Staleness, Update
from holdfast_cli.ending import SIGNALS, Ending
from holdfast_cli.exits import Exit, fail
from holdfast_cli.lines import event_line, message_line, state_line
from holdfast_cli.output import STDERR, STDOUT, LineWriter
from holdfast_cli.services import SERVICES, source_of
from holdfast_cli.transports import load_transport

_BEHIND = 0.01  # seconds between two looks at whether a slow reader of our output has caught up
_LAST_LINES = 1.0  # seconds that the last lines may take after a signal

Follow = Callable[[], Awaitable[None]]


def _headers(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for header in given:
        name, colon, value = header.partition(":")
        if not colon:
            raise click.BadParameter("must be NAME:VALUE")  # not quoted: what was meant as a value may be a secret
        pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def _texts(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if any("\ud800" <= char <= "\udfff" for text in given for char in text):  # what Python makes of other bytes
        raise click.BadParameter("must be UTF-8")
    return given


def _backoff(_context: click.Context, _option: click.Parameter, given: str | None) -> Backoff:
    if given is None:
        return Backoff()
    try:
        initial, maximum = map(float, given.split(":"))
        return Backoff(initial=initial, maximum=maximum)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from None
    except ValueError:
        raise click.BadParameter(f"{given!r} must be two numbers of seconds, such as 0.5:30") from None


def _tls(_context: click.Context, _option: click.Parameter, cafile: str | None) -> ssl.SSLContext | None:
    try:
        return ssl.create_default_context(cafile=cafile) if cafile is not None else None
    except OSError as error:
        raise click.BadParameter(f"{cafile!r} holds no certificates in PEM form: {error}") from None


_EXAMPLES = "\n".join(f"  {name}:{example}" for name, (_, example) in SERVICES.items())
_EPILOG = f"""\b
Services that go by a name, each with a stream:
{_EXAMPLES}

\b
Exit codes:
    0  the reader of the output went away, as `head` does
    1  the installation lacks something, or output cannot be written
    2  wrong usage, a URL that cannot be dialled, or what is no stream
    3  gave up: refused for good (HTTP 401, 403, 404 ..., a certificate)
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)
"""


@click.command(epilog=_EPILOG)
@click.argument("source", metavar="URL|NAME:STREAM,...")
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="URL",
    help="Dial this in place of the service's own URL. Repeatable, the preferred one first.",
)
@click.option(
    "--legs", type=int, metavar="N", help="So many connections at once carry the same; each message comes once."
)
@click.option(
    "--send",
    multiple=True,
    metavar="TEXT",
    callback=_texts,
    help="Send this after every connect. Repeatable, in order.",
)
@click.option("--events", is_flag=True, help="Write every event to stderr, each as one line of JSON.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    callback=_headers,
    help="Add a header to the opening handshake. Repeatable.",
)
@click.option("--subprotocol", "subprotocols", multiple=True, metavar="NAME", help="Offer a subprotocol. Repeatable.")
@click.option(
    "--cafile",
    "tls",
    type=click.Path(exists=True, dir_okay=False),
    callback=_tls,
    help="Trust the certificates in this PEM file, and not the system's.",
)
@click.option(
    "--stale-after",
    type=float,
    metavar="SECONDS",
    help="Replace a connection that has brought no message for so long. Without this, silence of a minute is reported.",
)
@click.option(
    "--backoff",
    metavar="INITIAL:MAXIMUM",
    callback=_backoff,
    help="Seconds before the first retry, and at most before any.  [default: 0.5:30]",
)
@click.option(
    "--transport",
    type=click.Choice(["asyncio", "trio"]),
    default="asyncio",
    show_default=True,
    help="The library that moves the bytes.",
)
def tail(
    source: str,
    endpoints: tuple[str, ...],
    legs: int | None,
    send: tuple[str, ...],
    events: bool,
    headers: tuple[tuple[str, str], ...],
    subprotocols: tuple[str, ...],
    tls: ssl.SSLContext | None,
    stale_after: float | None,
    backoff: Backoff,
    transport: str,
) -> None:
    """Print the messages of the feed at URL, or these streams of a service by NAME, one a line; reconnect for ever.

    Messages go to stdout: text as it is, with line ends inside it replaced by spaces; binary in base64. What happens
    to the connection goes to stderr. Output is written at once, so that `| grep` is live.
    """
    options: FeedOptions = {
        "on_open": send,
        "headers": headers,
        "subprotocols": subprotocols,
        "tls": tls,
        "backoff": backoff,
    }
    try:
        if stale_after is not None:
            options["staleness"] = Staleness(after=stale_after, reconnect=True)
        if legs is not None:
            options["legs"] = legs
        target = source_of(source, endpoints)
        with Ending() as ending:
            _tail(target, options, transport, ending, event_line if events else state_line)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except GaveUp as error:
        fail(f"gave up: {error}", Exit.GAVE_UP)
    ending.check_output()
    assert ending.code is not None, "a feed that is not closed ends with GaveUp"
    raise click.exceptions.Exit(ending.code)


def _tail(
    source: str | Service,
    options: FeedOptions,
    name: str,
    ending: Ending,
    line_of: Callable[[Event], bytes | None],
) -> None:
    """Returns when there is a reason to end; raises GaveUp, or ConfigError for what cannot be dialled."""
    transport = load_transport(name)
    writer = LineWriter(on_failure=ending.output_failed)

    async def follow() -> None:
        async with transport.open_feed(source, **options) as feed:
            async for item in feed.items():
                if not isinstance(item, Event):
                    writer.put(STDOUT, message_line(item.text if isinstance(item, Update) else item))
                elif line := line_of(item):
                    writer.put(STDERR, line)
                while writer.is_full:
                    await transport.sleep(_BEHIND)

    try:
        _RUN[name](follow, ending)
    finally:
        ending.cancel = None
        writer.finish(_LAST_LINES if ending.code is not None else None)


def _run_asyncio(follow: Follow, ending: Ending) -> None:
    import asyncio

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        ending.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        for number in SIGNALS:
            # A plain handler may run just before the loop goes to sleep, and then nothing wakes it.
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, ending.on_signal, number)
        await follow()

    with suppress(asyncio.CancelledError):
        asyncio.run(main())


def _run_trio(follow: Follow, ending: Ending) -> None:
    import trio

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()
        with trio.CancelScope() as scope:
            ending.cancel = lambda: token.run_sync_soon(scope.cancel)
            await follow()

    trio.run(main)


# Not `Transport.run`: these can be ended from a thread and from a signal handler.
_RUN: dict[str, Callable[[Follow, Ending], None]] = {"asyncio": _run_asyncio, "trio": _run_trio}
