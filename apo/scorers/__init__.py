"""How an answer is judged: one class a scorer, found by its name in the task file.

A scorer takes the whole of an answer or says that it is malformed.

Doors: awaited, choice, code, dspy_metrics, files, function, identity, judge, label_set,
multiple_choice, registry, reward, solution, sql, text.
Rests on: concurrency, environment, errors, files, language, model, models, prompts, reading,
task, user_code.
"""
