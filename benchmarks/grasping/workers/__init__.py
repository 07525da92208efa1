"""What Ray adds to the collection: more workers, and workers that are killed."""
