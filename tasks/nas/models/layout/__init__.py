"""A network as a list of steps on channel-major maps, with the backward pass written out."""
