"""The methods of grasp collection, one a file."""
