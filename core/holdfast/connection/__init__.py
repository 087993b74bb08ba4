"""Floor 2: one connection's life, from dial to close: adds deadlines."""

from holdfast.connection.connection import Connection
from holdfast.connection.encoding import encode, size_of
from holdfast.connection.reports import Lost, Opened, Pong, Refused, Report
from holdfast.connection.states import State

__all__ = ["Connection", "Lost", "Opened", "Pong", "Refused", "Report", "State", "encode", "size_of"]
