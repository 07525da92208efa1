"""The page that says what came out: verdicts, the design table, curves, grids, grasps."""
