"""Simulated rosette captures with exact truth, by ray casting."""
