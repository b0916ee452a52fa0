"""One prompt measured on some examples, and what came of each.

A rollout is an example with its answer and its score; an evaluation is the rollouts of one prompt.
Models and judges are opened here as a run's options say.

Doors: abilities, closing, endpoints, evaluation, likelihood, measure, must_pass, noticed,
outside, room, turns, widening.
Rests on: calls, concurrency, display, errors, model, models, programs, prompts, scorers,
scorers.metrics, statistics, storage, task, trust, usage.
"""
