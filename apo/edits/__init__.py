"""Techniques of prompt engineering as edits: pure functions from a prompt to another one.

Each is found by its name, changes one thing, and gives the same prompt back where it has nothing to
do. What a task needs to know is read from its examples (`facts.py`); the sentences that edits write
are in English and in Korean (`wording.py`).

Doors: edit.
Rests on: errors, prompts, reading, task.
"""
