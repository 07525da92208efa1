"""The objects that are thrown into the bin: where they come from, and whether they are usable."""
