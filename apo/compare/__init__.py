"""Optimizers compared on equal terms: a grid of runs, its statistics, tables and pictures.

Each cell is a run of its own, in processes of this machine or on Ray; the report is a function of
what the runs wrote.

Doors: answers, courses, grid, logbook, report, runner, settings, spending, standing, table.
Rests on: calls, concurrency, display, environment, errors, files, language, model, models,
prompts, results, run, scorers, search, statistics, storage, task, taskfile, tracking, trust,
usage.
"""
