"""What comes back from use: feedback on answers, and a deployed prompt improved by it.

Doors: feedback, improving, kept, targets, traces.
Rests on: data, environment, errors, files, prompts, reading, scorers, task, taskfile, tracking.
"""
