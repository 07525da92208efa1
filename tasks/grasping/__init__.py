"""Simulated grasp attempts: worlds, policies, and a data set that people can load."""
