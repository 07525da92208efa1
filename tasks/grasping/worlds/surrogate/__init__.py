"""The surrogate of a real robot, on MuJoCo."""
