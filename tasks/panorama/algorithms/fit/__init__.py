"""Warp fields fitted to all matches of a capture."""
