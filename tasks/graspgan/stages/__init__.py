"""The stages of `train_graspgan`: read, call, write."""
