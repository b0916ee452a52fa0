"""A run's folder and its journal: what was asked and answered, kept before it is used.

Rows are read back as they were written or not at all; what is known of the candidates is counted
from them.

Doors: candidate, folder, journal, lineage, ranking, record, refusals, rows, servers, shapes,
suggestions, summary, tables, uses, versions.
Rests on: errors, files, language, model, prompts, secrecy, trust, usage.
"""
