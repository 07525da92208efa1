"""Measurements of grasp collection."""
