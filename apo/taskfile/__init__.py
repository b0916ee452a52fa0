"""Tasks as users define them: `task.yaml`, its settings, and the task made of both.

What a task file wants beyond being read is listed here; `apo.trust` asks.

Doors: adding, beside, build, folding, load, output_schema, places, problems, settings, wishes,
yaml_file.
Rests on: data, errors, files, language, media, model, models, programs, prompts, prompts.forms,
reading, scorers, scorers.metrics, task, trust, user_code.
"""
