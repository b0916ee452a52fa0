"""One figure of all answers together, for tasks where the mean score says too little.

A metric takes the place of the mean wherever prompts are compared.

Doors: classes, metric, registry.
Rests on: errors, reading, scorers, task, user_code.
"""
