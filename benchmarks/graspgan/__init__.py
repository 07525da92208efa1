"""Measures `train_graspgan`: its trainings beside plain loops, and what a run came to."""
