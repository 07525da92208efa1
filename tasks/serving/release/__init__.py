"""Releasing a version: who holds a model, how its share grows, and when it is taken back."""
