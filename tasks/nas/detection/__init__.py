"""Detection: Faster R-CNN on networks of cells, with its data, its scores and its pictures."""
