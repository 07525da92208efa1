"""What a run shows: pictures, files for viewers, the report."""
