"""What an optimizer may do, and nothing else: write prompts, measure them, draw, branch.

`Search` is its only door to models and data. Candidates are checked before they cost anything.

Doors: plugins, ranges, review, search, suggested.
Rests on: calls, concurrency, edits, errors, evaluation, failures, guards, language, model,
prompts, reading, results, scorers.metrics, select, storage, task, user_code.
"""
