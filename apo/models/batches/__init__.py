"""Many requests at once through a provider's Batch API, at half the price.

A batch that is under way is in a log, so that it is found again after a break and never paid twice.

Doors: batch, log, terms.
Rests on: errors, files, model, models.
"""
