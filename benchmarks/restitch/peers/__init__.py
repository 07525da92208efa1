"""Other people's stitchers, on the photos that ours gets."""
