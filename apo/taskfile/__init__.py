"""Tasks as users define them: task.yaml, a first draft of one, and a look over it."""
