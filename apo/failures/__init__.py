"""What wrong answers have in common: counted over all measured rows, and told in a page.

The same page is shown to people (`apo show RUN --failures`) and to the writer of new prompts.

Doors: counting, page, recorded.
Rests on: errors, evaluation, guards, prompts, reading, results, scorers, statistics, storage,
task.
"""
