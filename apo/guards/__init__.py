"""What keeps a result true: checks of prompts, labels, copies and scorers; see docs/guards.md.

A guard looks and says what it saw; whoever asked decides what follows.

Doors: checking, contract, copies, drift.
Rests on: calls, concurrency, data, errors, evaluation, prompts, reading, scorers, task.
"""
