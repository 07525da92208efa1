"""Exposure and vignetting."""
