"""A rig from photos alone."""
