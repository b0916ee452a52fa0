"""Comparing optimizers on equal terms: a grid of runs, its statistics, tables and pictures."""
