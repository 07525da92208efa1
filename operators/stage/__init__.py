"""One call of a stage: its request, plan, key, run and items; knows no framework."""
