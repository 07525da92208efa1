"""Ways to read a data set: samples for training, and statistics over all of it."""
