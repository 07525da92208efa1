"""Images and arrays that others made: their size is known before they are decoded."""
