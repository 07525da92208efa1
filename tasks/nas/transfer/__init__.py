"""Transfer: a family of networks for larger images, beside hand-made ones of equal cost."""
