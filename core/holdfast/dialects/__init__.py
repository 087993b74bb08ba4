"""How services speak: pure functions and data, one module a service."""
