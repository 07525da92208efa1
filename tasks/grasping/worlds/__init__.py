"""Simulated robots over a bin, behind one interface."""
