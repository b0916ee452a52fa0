"""What is asked of prompts outside of a search, each question under a budget of its own.

One prompt measured, a deployed one gated, winners taken to other models, a judge held against
people; and apo's scorers given to MLflow.

Doors: ablate, ablation_found, agreement, annotation, evaluate, gate, headroom, judging, matrix,
rated, ratings, same_prompt, transfer, trying.
Rests on: calls, concurrency, data, environment, errors, evaluation, guards, language, model,
models, prompts, reading, results, run, scorers, search, select, statistics, storage, task,
taskfile, usage.
"""
