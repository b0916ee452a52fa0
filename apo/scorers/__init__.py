"""How an answer is judged: one class a scorer, found by name."""
