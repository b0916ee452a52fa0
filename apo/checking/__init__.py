"""A look over a task before anything is paid: files, rows, pools, targets, labels.

`apo check` prints what it finds. Nothing here asks a model.

Doors: check, finding, groups, suspects.
Rests on: audit, data, errors, evaluation, guards, language, media, programs, prompts, reading,
run, scorers, statistics, storage, task, taskfile.
"""
