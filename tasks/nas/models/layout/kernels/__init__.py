"""Compiled loops over channel-major maps."""
