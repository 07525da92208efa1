"""Simulated places, and the things that stand in them."""
