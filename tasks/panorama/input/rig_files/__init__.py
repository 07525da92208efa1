"""Rigs in files: COLMAP (native), Hugin projects (import), and exact JSON between stages."""
