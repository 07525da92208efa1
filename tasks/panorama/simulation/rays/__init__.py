"""Casting rays: surfaces, pictures and true correspondences."""
