"""Results, whole or not at all: storage, artifacts, manifests, pruning."""
