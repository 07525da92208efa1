"""Appearance: textures, and pictures painted from what a camera measured."""
