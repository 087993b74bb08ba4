"""Floor 4: feeds together, and the contract that drivers rely on."""

from holdfast.fleet.fleet import Fleet

__all__ = ["Fleet"]
