"""Metrics: one figure of all answers together; see `apo.metrics.metric`."""
