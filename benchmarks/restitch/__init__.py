"""Measurements of restitching."""
