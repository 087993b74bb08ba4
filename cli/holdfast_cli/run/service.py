"""The service: feeds and sinks of a file at work, until a signal, or until there is nothing left to do."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import time
from typing import Any

from holdfast import Closed, ConfigError, Event, Feed, HoldfastError, RestartNeeded
from holdfast.observe import Summary
from holdfast_cli.exits import Exit
from holdfast_cli.run.feed_plan import FeedPlan
from holdfast_cli.run.file import RunConfig, StatusOptions, load
from holdfast_cli.run.lines import Lines
from holdfast_cli.run.loops import Cancel, Loop
from holdfast_cli.run.metrics import sink_collectors
from holdfast_cli.run.outlet import Outlet, in_words
from holdfast_cli.run.problems import Problems
from holdfast_cli.run.sink_plan import SinkPlan

_LOG = logging.getLogger("holdfast.run")
_LOOK = 0.02  # seconds between two looks at whether threads and feeds have ended
_SUMMARY = 1.0  # seconds between two looks at whether a line on how things stand is due
_STATUS_AGAIN = 5.0  # seconds until a port that is taken is tried again
_FOR_SINKS = 0.5  # the share of close_timeout that feeds leave to the sinks
STOPPING = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
RELOADING = getattr(signal, "SIGHUP", None)


class SinkError(Exception):
    """A sink that cannot be opened."""


class _Live:
    """One feed by its name. `next_plan`: what is opened when the present one has ended; None: nothing."""

    def __init__(self, plan: FeedPlan, summary: Summary) -> None:
        self.plan = plan
        self.next_plan: FeedPlan | None = plan
        self.summary = summary
        self.feed: Feed[Any] | None = None
        self.is_closing = False
        self.is_done = False
        self.has_told_its_end = False  # `Closed` was its last line
        self.error: Exception | None = None
        self.messages_to: list[Callable[[bytes], None]] = []
        self.events_to: list[Callable[[bytes], None]] = []


class Service:
    """`run` returns the exit code. Signals call `on_signal`."""

    def __init__(self, path: Path, config: RunConfig, loop: Loop) -> None:
        self._path = path
        self._config = config
        self._loop = loop
        self._lives: dict[str, _Live] = {}
        self._feeds: dict[str, Feed[Any]] = {}  # for the status page: those that gave up, too
        self._outlets: dict[str, tuple[SinkPlan, Outlet]] = {}
        self._leaving: list[Outlet] = []  # of sinks that are no more in the file
        self._end_status: Cancel | None = None
        self._stop = False
        self._reload = False

    def on_signal(self, number: int, _frame: object = None) -> None:
        """The handler."""
        if number == RELOADING:
            self._reload = True
        elif self._stop:
            os._exit(STOPPING[signal.Signals(number)])  # it takes too long for whoever asks again
        else:
            self._stop = True
        self._loop.ring()

    def open_sinks(self) -> None:
        """Before all else, so that what cannot be opened is an error of the command. Raises SinkError."""
        for plan in self._config.sinks.values():
            try:
                self._new_outlet(plan).open()
            except (Exception, SystemExit) as error:  # a sink of the user's may raise anything
                for _, outlet in self._outlets.values():
                    outlet.abandon()
                raise SinkError(f"sink {plan.name}: {in_words(error)}") from error

    async def run(self) -> Exit:
        for _, outlet in self._outlets.values():
            outlet.start()
        for plan in self._config.feeds.values():
            self._open(plan)
        self._show_status(self._config.status)
        self._loop.start(self._summarize)
        _LOG.info("%d feeds, %d sinks from %s", len(self._lives), len(self._outlets), self._path)
        while (code := self._reason_to_end()) is None:
            if self._reload:
                self._reload = False
                self._read_again()
                continue
            await self._loop.heard()
        return await self._end(code)

    def _reason_to_end(self) -> Exit | None:
        if self._stop:
            return Exit.DONE
        if self._outlets and all(outlet.is_gone for _, outlet in self._outlets.values()):
            return Exit.READER_GONE
        ended = [live for live in self._lives.values() if live.is_done]
        if any(isinstance(live.error, RestartNeeded) for live in ended):
            return Exit.RESTART
        if ended and (len(ended) == len(self._lives) or self._config.ends_with == "first"):
            return Exit.GAVE_UP if any(isinstance(live.error, HoldfastError) for live in ended) else Exit.BROKEN
        return None

    # Feeds

    def _open(self, plan: FeedPlan) -> None:
        live = self._lives.get(plan.name)
        if live is None or live.is_done:
            live = self._lives[plan.name] = _Live(plan, self._config.log.summary())
            self._direct(live)
            self._loop.start(partial(self._follow, live))
        else:
            live.next_plan = plan
            self._close(live)

    def _close(self, live: _Live) -> None:
        live.is_closing = True
        if live.feed is not None:
            self._loop.start(partial(self._close_feed, live.feed))

    async def _close_feed(self, feed: Feed[Any]) -> None:
        await feed.close()

    async def _follow(self, live: _Live) -> None:
        try:
            while (plan := live.next_plan) is not None:
                live.plan, live.next_plan, live.is_closing, live.error = plan, None, False, None
                live.has_told_its_end = False
                try:
                    await self._follow_plan(live, plan)
                except HoldfastError as error:
                    live.error = error  # the feed has logged it, if there was one
                    if isinstance(error, ConfigError):
                        _LOG.error("%s: cannot be opened: %s", plan.name, error)
        except Exception as error:
            live.error = error
            _LOG.exception("%s: ended by an error of Holdfast's own", live.plan.name)
        finally:
            live.is_done = True
            if live.is_closing and self._lives.get(live.plan.name) is live and not self._stop:
                self._forget(live)
            self._loop.ring()

    def _forget(self, live: _Live) -> None:
        """It is no more in the file. One that gave up is kept, so that the status page and metrics tell."""
        del self._lives[live.plan.name]
        self._feeds.pop(live.plan.name, None)

    async def _follow_plan(self, live: _Live, plan: FeedPlan) -> None:
        lines = Lines(plan.name)
        async with self._loop.open_feed(plan.source, **plan.options) as feed:
            live.feed = self._feeds[plan.name] = feed
            try:
                if live.is_closing:  # since before it was open
                    return
                async for item in feed.items():
                    if isinstance(item, Event):
                        live.has_told_its_end = isinstance(item, Closed)
                        if live.events_to:
                            line = lines.event(item, time() - self._loop.now())
                            for put in live.events_to:
                                put(line)
                    elif live.messages_to:
                        line = lines.message(item, time())
                        for put in live.messages_to:
                            put(line)
            finally:
                live.feed = None

    def _direct(self, live: _Live) -> None:
        """Which sinks its lines go to."""
        own = [(plan, outlet) for plan, outlet in self._outlets.values() if plan.is_for(live.plan.name)]
        live.messages_to = [outlet.put for plan, outlet in own if plan.options.messages]
        live.events_to = [outlet.put for plan, outlet in own if plan.options.events]

    # Sinks

    def _new_outlet(self, plan: SinkPlan, replaces: Outlet | None = None) -> Outlet:
        outlet = Outlet(plan.name, plan.make(), plan.options.max_queue, on_gone=self._loop.ring, replaces=replaces)
        self._outlets[plan.name] = plan, outlet
        return outlet

    # What the operator sees

    async def _summarize(self) -> None:
        while True:
            await self._loop.sleep(_SUMMARY)
            for name, live in list(self._lives.items()):
                if live.feed is not None:
                    for line in live.summary.lines(live.feed.stats()):
                        _LOG.log(line.level, "%s: %s", name, line.text)

    def _show_status(self, options: StatusOptions | None) -> None:
        if self._end_status is not None:
            self._end_status()
            self._end_status = None
        if options is not None:
            self._end_status = self._loop.start(partial(self._serve_status, options))

    async def _serve_status(self, options: StatusOptions) -> None:
        serve = self._loop.serve_status
        collectors = sink_collectors(lambda: [outlet for _, outlet in self._outlets.values()])
        while True:
            try:
                async with serve(self._feeds, host=options.host, port=options.port, collectors=collectors) as page:
                    _LOG.info("status at %s", page.url)
                    while True:
                        await self._loop.sleep(3600)
            except ConfigError as error:
                _LOG.error("status: %s; trying again", error)
                await self._loop.sleep(_STATUS_AGAIN)

    # Reading the file again

    def _read_again(self) -> None:
        try:
            config = load(self._path, os.environ)
        except Problems as problems:
            for line in problems.lines:
                _LOG.error("%s", line)
            _LOG.error("the file was read again and is not used: all goes on as before")
            return
        before, self._config = self._config, config
        self._leaving = [outlet for outlet in self._leaving if not outlet.is_done()]
        logging.getLogger("holdfast").setLevel(config.log.level.upper())
        self._change_sinks(before, config)
        self._change_feeds(before, config)
        if config.status != before.status:
            self._show_status(config.status)
        _LOG.info("read %s again: %d feeds, %d sinks", self._path, len(config.feeds), len(config.sinks))

    def _change_sinks(self, before: RunConfig, config: RunConfig) -> None:
        dismissed: dict[str, Outlet] = {}
        for name in [*self._outlets]:
            if name not in config.sinks or config.sinks[name].table != before.sinks[name].table:
                _, outlet = self._outlets.pop(name)
                outlet.dismiss()
                dismissed[name] = outlet
                self._leaving.append(outlet)
                _LOG.info("sink %s: %s", name, "replaced" if name in config.sinks else "removed")
        for name, plan in config.sinks.items():
            if name not in self._outlets:
                self._new_outlet(plan, replaces=dismissed.get(name)).start()

    def _change_feeds(self, before: RunConfig, config: RunConfig) -> None:
        for name, live in [*self._lives.items()]:
            if name not in config.feeds:
                _LOG.info("%s: removed", name)
                live.next_plan = None
                if live.is_done:
                    self._forget(live)
                else:
                    self._close(live)
        for name, plan in config.feeds.items():
            known = self._lives.get(name)
            if known is None or known.is_done or known.is_closing:
                _LOG.info("%s: opened", name)
                self._open(plan)
            else:
                self._change_feed(known, plan)
        for live in self._lives.values():
            self._direct(live)
            if config.log != before.log:
                live.summary = config.log.summary()

    def _change_feed(self, live: _Live, plan: FeedPlan) -> None:
        before = live.plan
        if live.feed is not None and plan.differs_in_streams_only(before):
            wanted = live.feed.streams  # fewer than in the file, if a shard gave up
            added = [stream for stream in plan.streams if stream not in wanted]
            removed = [stream for stream in before.streams if stream not in plan.streams]
            try:
                live.feed.unsubscribe(*removed)
                live.feed.subscribe(*added)
            except HoldfastError as error:
                _LOG.warning("%s: streams cannot change live: %s", plan.name, error)
            else:
                live.plan = plan
                if added or removed:
                    _LOG.info("%s: %d streams added, %d removed", plan.name, len(added), len(removed))
                return
        if plan.is_as(before):
            return
        _LOG.warning("%s: replaced, because %s cannot change live", plan.name, ", ".join(_changed(before, plan)))
        self._open(plan)

    # The end

    async def _end(self, code: Exit) -> Exit:
        timeout = self._config.close_timeout
        began = self._loop.now()
        _LOG.info("ending, within %g s", timeout)
        self._stop = True
        for live in self._lives.values():
            live.next_plan = None
            if not live.is_done:
                self._close(live)
        limit = began + timeout * _FOR_SINKS
        while not all(live.is_done for live in self._lives.values()) and self._loop.now() < limit:
            await self._loop.sleep(_LOOK)
        for live in self._lives.values():
            if not live.is_done and not live.has_told_its_end:
                self._abandon(live)
        outlets = [outlet for _, outlet in self._outlets.values()]
        for outlet in outlets:
            outlet.finish()
        outlets += self._leaving
        while not all(outlet.is_done() for outlet in outlets) and self._loop.now() < began + timeout:
            await self._loop.sleep(_LOOK)
        complete = True
        for outlet in outlets:
            if not outlet.wait(0) and not outlet.is_gone:
                complete = False
                what = f"{outlet.queued} bytes were not written: it did not take them"
                _LOG.error("sink %s: %s", outlet.name, what if outlet.queued else "it could not be closed")
        return code if complete or code is not Exit.DONE else Exit.BROKEN

    def _abandon(self, live: _Live) -> None:
        """It could not be closed in time: nothing of it is written any more, and that is declared."""
        waiting = live.feed.stats().queued_messages if live.feed is not None else 0
        _LOG.error("%s: not closed in time: %d messages of it are not written", live.plan.name, waiting)
        line = Lines(live.plan.name).note("NotClosed", time(), queued_messages=waiting)
        for put in live.events_to:
            put(line)
        live.messages_to, live.events_to = [], []


def _changed(before: FeedPlan, after: FeedPlan) -> list[str]:
    names = sorted(before.table.keys() | after.table.keys())
    changed = [name for name in names if before.table.get(name) != after.table.get(name)]
    others = [name for name in changed if name not in ("streams", "each")]  # these two can, alone
    return others or changed or ["where it is dialled"]
