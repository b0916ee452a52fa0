"""Automatic prompt optimization: search for better prompts within a budget, and prove the gain.

    import apo

    result = apo.optimize("complaints.csv", model="openai/gpt-5-mini", budget=apo.Budget(max_usd=1))
    print(result.verdict, result.prompt.text())

The essentials, which this help shows: `optimize` and `resume`, on folds where rows are few, their
coroutines `aoptimize` and `aresume`; `load_task` and `task_from_data`; `Budget` and `Options`.

Everything else in `dir(apo)` is a building block, for optimizers, models and scorers of your own
or for what they give: `Task`, `Example`, `Score`, `Prompt`, `Search`, `Model`, `Result`, `Verdict`,
the errors under `ApoError`, and more. `help(apo.Task)` shows one.

The names are listed in `__init__.pyi`, which is also what type checkers read, and imported when
they are first used.
"""

import lazy_loader

__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)  # pyright: ignore[reportUnknownVariableType] (untyped)
__all__ = [
    "Budget",  # pyright: ignore[reportUnsupportedDunderAll]
    "Options",  # pyright: ignore[reportUnsupportedDunderAll]
    "aoptimize",  # pyright: ignore[reportUnsupportedDunderAll]
    "aresume",  # pyright: ignore[reportUnsupportedDunderAll]
    "load_task",  # pyright: ignore[reportUnsupportedDunderAll]
    "optimize",  # pyright: ignore[reportUnsupportedDunderAll]
    "optimize_folds",  # pyright: ignore[reportUnsupportedDunderAll]
    "resume",  # pyright: ignore[reportUnsupportedDunderAll]
    "resume_folds",  # pyright: ignore[reportUnsupportedDunderAll]
    "task_from_data",  # pyright: ignore[reportUnsupportedDunderAll]
]
