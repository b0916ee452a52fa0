"""What comes back from use: feedback on answers, and a deployed prompt improved by it.

Doors: feedback, improving, traces.
Rests on: data, environment, errors, files, prompts, reading, task, taskfile, tracking.
"""
