"""A simulated world: hosts, links, one clock, one seed. Years of trouble in seconds."""

from holdfast.testing.world.chance import Chance
from holdfast.testing.world.host import Dialling, Host, ServerMachine
from holdfast.testing.world.jobs import sleep
from holdfast.testing.world.link import Link, Pipe, Weather
from holdfast.testing.world.process import Machine, Observer, Process, Socket
from holdfast.testing.world.schedule import Appointment, Schedule
from holdfast.testing.world.world import World

__all__ = [
    "Appointment",
    "Chance",
    "Dialling",
    "Host",
    "Link",
    "Machine",
    "Observer",
    "Pipe",
    "Process",
    "Schedule",
    "ServerMachine",
    "Socket",
    "Weather",
    "World",
    "sleep",
]
