"""A rig from photos, and a better one from matches."""
