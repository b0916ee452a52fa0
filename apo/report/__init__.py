"""The report of a run as one page of HTML: what came out, how, and from which rows.

Doors: audit_page, run_page.
Rests on: display, errors, files, language, prompts, results, select, storage.
"""
