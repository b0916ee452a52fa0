"""From names to a run: what it is made of, its sessions from seed to verdict, its folds.

`optimize` and `resume` stand here. What a stranger's run wants is asked for before it is used.

Doors: ending, estimate, fit, folds, glance, glance_words, optimize, prepare, recorded, resume,
wishes.
Rests on: audit, calls, concurrency, data, display, drafting, edits, errors, evaluation, guards,
language, model, models, models.batches, models.local, programs, prompts, results, scorers,
scorers.metrics, search, statistics, storage, task, taskfile, tracking, trust, user_code.
"""
