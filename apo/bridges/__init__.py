"""apo inside other libraries: where they hold the data, the prompts and who answers.

Doors: optuna_study, served.
Rests on: calls, concurrency, data, environment, errors, evaluation, model, programs, prompts,
prompts.forms, results, run, scorers, search, secrecy, storage, task, taskfile, tracking, usage.
"""
