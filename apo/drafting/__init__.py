"""A first task file from data alone: what the columns are, how answers are judged, a seed prompt.

Every guess says why it was made. `apo init` writes the draft, `apo.task_from_data` uses it.

Doors: draft, format, from_data, kinds, lists, write.
Rests on: data, errors, files, language, media, reading, scorers, statistics, task, taskfile.
"""
