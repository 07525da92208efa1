"""Measurements of architecture search and transfer."""
