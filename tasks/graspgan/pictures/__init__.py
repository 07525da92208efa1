"""What people look at: grids of adapted crops, curves, filmstrips."""
