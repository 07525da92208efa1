"""Stages of `release_model`."""
