"""The worlds on PyBullet."""
