"""What a server counts of its requests, by model and version: `times`, and `page`, which tells."""
