"""What a prompt is, the forms that it is read from and written to, and what it must keep.

A `Prompt` is a value: instruction, demos, layout, decoding. The texts that ask a model for a
better one are filled here, too.

Doors: beside, files, fill, folding, foreign, layout, meta_prompts, needs, parts, prompt,
prompt_set, rules, turns.
Rests on: display, errors, media, model, patterns, reading.
"""

from apo.prompts import prompt_set as prompt_set  # Whoever reads a prompt can read a program's.
