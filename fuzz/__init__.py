"""Long tests in simulated time: voyages, checkers, canaries. `python -m fuzz --help`."""
