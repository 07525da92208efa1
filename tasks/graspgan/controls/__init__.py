"""What lines of code do without adaptation: whatever is claimed counts above the best of these."""
