"""Versions of a model: which should be served, what to load and unload, what labels stand for.

Nothing here loads anything or knows the time.
"""
