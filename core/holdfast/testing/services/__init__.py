"""Simulated services: each speaks and demands as the real one does, as far as that is documented or was observed."""
