"""The space of cells: files, canonical form, other notations, published and random cells."""
