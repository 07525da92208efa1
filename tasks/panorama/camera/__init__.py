"""Cameras and lenses: pixels to directions and back."""
