"""Networks in PyTorch: stacked cells, the hand-made baselines, their cost and their scaling."""
