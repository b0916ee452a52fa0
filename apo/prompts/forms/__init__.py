"""The forms of files that prompts are written in and read from, one module each.

A module has `write(prompt, provenance)` and, where the form can be read, `read(text)`. The list
of forms is in `registry`.

Doors: dspy, found, loss, provenance, reading, registry, yaml_text.
Rests on: body, errors, language, media, model, prompts, tools.
"""
