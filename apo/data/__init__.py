"""Rows from files, tables and data sets, and the pools that they are split into.

What a cell means as text is decided here, once for every reader; so is which rows are the same.

Doors: amounts, annotated, append, cells, chats, columns, dspy_examples, examples, excel, folds,
groups, memory, named, near, nested, options, pools, promptfoo, records, rows, sampling, sniff,
split, stored, text, together.
Rests on: errors, files, language, prompts, prompts.forms, reading, task.
"""
