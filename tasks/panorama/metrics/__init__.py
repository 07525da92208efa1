"""Figures of merit, each defined in one place and the same for every method."""
