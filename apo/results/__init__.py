"""What is known of a run when its calls are made: ranking, front, flips, verdict.

Every figure is a function of evaluations or of a run's folder, so it is the same whenever it is
asked for.

Doors: confusion, constants, course, csv_rows, drawn, flips, fold_verdict, front, gains, gap,
history, judge_trust, outcome, paired, parts, provenance, replay, result, spending, standings,
told, verdict, words.
Rests on: calls, concurrency, data, display, errors, evaluation, files, language, model, models,
models.batches, programs, prompts, prompts.forms, reading, scorers, scorers.metrics, select,
statistics, storage, task, usage.
"""
