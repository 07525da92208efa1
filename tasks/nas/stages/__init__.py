"""The stages of `search_cells` and `transfer_cells`."""
