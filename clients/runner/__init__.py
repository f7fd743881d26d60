"""Runs real clients through a hub before simulated providers. Needs nothing but Python's standard library."""
