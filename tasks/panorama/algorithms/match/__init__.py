"""Dense matches between overlapping images."""
