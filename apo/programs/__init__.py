"""How a prompt, or a set of prompts, is run on an example: programs of one or several calls.

Doors: chain, fit, function, program, react, solvers.
Rests on: body, concurrency, errors, model, prompts, reading.
"""
