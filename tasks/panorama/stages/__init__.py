"""The stages of the `restitch` pipeline, in the order in which they run."""
