"""What keeps a result true: checks of prompts, data, scorers and scores; see docs/guards.md."""
