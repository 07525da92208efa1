"""Pipelines of the benchmark."""
