"""Strategies judged on tables of trained cells, without training."""
