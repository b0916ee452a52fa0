"""The tasks that come with apo: one folder each, with a task.yaml and its data."""
