"""The one metered way to a model: every call is bounded, paced, retried, paid for and kept.

A `Caller` takes a request, looks into the journal, asks the budget, waits its turn, asks the model
and writes the answer down before anybody uses it.

Doors: budget, call, caller, habits, ledger, meter, options, progress, purse, retry, tally.
Rests on: body, errors, files, language, media, model, models, storage, task, usage.
"""
