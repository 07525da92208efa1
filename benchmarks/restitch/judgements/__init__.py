"""How often the gate and the verdicts are right, on hundreds of small captures."""
