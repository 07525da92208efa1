"""From the rows of grasp attempts to what is trained on: crops, looks, splits, labels."""
