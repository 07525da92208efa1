"""Restitching: panoramas from rosettes of cameras, aligned by spline flow fields."""
