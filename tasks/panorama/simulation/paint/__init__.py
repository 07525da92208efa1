"""Textures and materials, painted from a seed."""
