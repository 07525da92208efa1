"""The report of a search: figures with their intervals, plots, one page."""
