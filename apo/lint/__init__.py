"""What prompt engineers look for in a prompt, looked for without a model.

Each technique of the checklist is a rule: a pure function from a prompt to what it has, lacks or
should mind, with the reason. A hint is no verdict: what helps is told by measuring it.

Doors: checklist, tokens.
Rests on: language, models, patterns, prompts, usage.
"""
