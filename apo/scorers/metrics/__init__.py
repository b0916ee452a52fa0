"""Metrics: one figure of all answers together; see `apo.scorers.metrics.metric`."""
