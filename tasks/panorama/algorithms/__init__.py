"""The methods of restitching, one a file, as pure functions over arrays."""
