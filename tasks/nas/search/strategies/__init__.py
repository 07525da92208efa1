"""Search strategies, one a file, and what they propose children from."""
