"""Data sets of images, from where users keep them to arrays ready for training."""
