"""What users bring: captures, photos, rigs, and whether they are usable."""
