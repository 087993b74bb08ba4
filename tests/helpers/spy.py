"""What passes between a driver and its machine, written down in order, and held against the contract."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from holdfast import Fleet
from holdfast.commands import Command, Connect, Disconnect, Pause, Resume, Write
from holdfast.driver import Driver

INPUTS = ("start", "connected", "connect_failed", "received", "disconnected", "tick", "send", "close")
CARRIED_OUT_BY = {Connect: "dial", Write: "write", Pause: "pause", Resume: "resume", Disconnect: "disconnect"}


class Spy:
    """Watches all feeds that are opened while it is installed. What breaks the contract fails at once.

    `log` holds ("input", name, *arguments), ("command", name, *arguments) when it is carried out, ("armed", deadline)
    and ("fired", now).
    """

    def __init__(self, driver: type[Driver], patch: pytest.MonkeyPatch) -> None:
        self.log: list[tuple[Any, ...]] = []
        self._drivers: list[Driver] = []
        self._to_do: list[tuple[Any, ...]] = []  # commands taken, and not yet carried out
        self._owed = False  # an input was given, and the commands were not taken since
        self._inside: str | None = None  # what is being done
        self._armed = math.inf
        for name in INPUTS:
            patch.setattr(Fleet, name, self._input(name, getattr(Fleet, name)))
        patch.setattr(Fleet, "take_commands", self._taking(Fleet.take_commands))
        for name in CARRIED_OUT_BY.values():
            patch.setattr(driver, name, self._carrying_out(name, getattr(driver, name)))
        patch.setattr(driver, "arm", self._arming(driver.arm))
        patch.setattr(driver, "deadline_came", self._firing(driver.deadline_came))

    # What tests look at

    def inputs(self, *names: str) -> list[tuple[Any, ...]]:
        """All, or those of these names: (name, *arguments)."""
        return [entry[1:] for entry in self.log if entry[0] == "input" and (not names or entry[1] in names)]

    def commands(self, *names: str) -> list[tuple[Any, ...]]:
        """As carried out: (name, *arguments)."""
        return [entry[1:] for entry in self.log if entry[0] == "command" and (not names or entry[1] in names)]

    def times(self, kind: str) -> list[float]:
        return [entry[1] for entry in self.log if entry[0] == kind]

    def check_done(self) -> None:
        """To be called when the feed was left."""
        assert not self._owed, "commands were not taken after the last input"
        assert not self._to_do, f"not carried out: {self._to_do}"

    # Watching

    def _input(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def given(fleet: Fleet, *arguments: Any, **named: Any) -> object:
            assert self._inside is None, f"{name} was given to the machine inside {self._inside}"
            assert not self._owed, f"{name} was given before the commands of the last input were taken"
            assert not self._to_do, f"{name} was given before {self._to_do} was carried out"
            self.log.append(("input", name, *arguments))
            self._inside = name
            try:
                answer = real(fleet, *arguments, **named)  # if it raises, nothing has changed
                self._owed = len(fleet.commands) > 0
                return answer
            finally:
                self._inside = None

        return given

    def _taking(self, real: Callable[[Fleet], list[Command]]) -> Callable[[Fleet], list[Command]]:
        def take_commands(fleet: Fleet) -> list[Command]:
            assert not self._to_do, f"commands were taken before {self._to_do} was carried out"
            self._owed = False
            commands = real(fleet)
            self._to_do = [
                (
                    CARRIED_OUT_BY[type(command)],
                    *(getattr(command, slot) for slot in ("conn", *type(command).__slots__)),
                )
                for command in commands
            ]
            return commands

        return take_commands

    def _carrying_out(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def carry_out(driver: Driver, *arguments: Any) -> None:
            doing = (name, *arguments)
            if self._to_do:  # else the driver does it of itself: it is being stopped
                assert self._to_do.pop(0) == doing, f"{doing} was not the next command"
                self.log.append(("command", *doing))
            before, self._inside = self._inside, name
            try:
                real(driver, *arguments)
            finally:
                self._inside = before

        return carry_out

    def _arming(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def arm(driver: Driver, deadline: float) -> None:
            if not driver.fleet.is_closed:
                assert deadline == driver.fleet.next_deadline()
                assert deadline != self._armed, f"armed again for {deadline}"
            self._armed = deadline
            self.log.append(("armed", deadline))
            real(driver, deadline)

        return arm

    def _firing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def deadline_came(driver: Driver) -> None:
            now = driver.now()
            assert now >= self._armed, f"the timer fired at {now}; it was armed for {self._armed}"
            self._armed = -math.inf
            self.log.append(("fired", now))
            real(driver)

        return deadline_came
