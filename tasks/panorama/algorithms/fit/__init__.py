"""Calibration and warp fields, fitted to all matches of a capture."""
