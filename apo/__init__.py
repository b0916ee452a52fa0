"""Automatic prompt optimization: search for better prompts within a budget, and prove the gain.

The public names are listed in `__init__.pyi`, which is also what type checkers read, and imported
when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # pyright: ignore[reportUnknownVariableType] (untyped)
