"""The stages of the `collect_grasps` pipeline, in the order in which they run."""
