"""What the mechanism costs: the same work by Ray alone, by `make run`, by the full stack."""
