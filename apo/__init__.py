"""Automatic prompt optimization: search for better prompts within a budget, and prove the gain."""

from apo.budget import Budget, Spent
from apo.errors import (
    ApoError,
    BudgetExhausted,
    DataError,
    Interrupted,
    ModelError,
    ModelUnavailable,
    PromptError,
    RunError,
    SettingsError,
    Stopped,
    TaskError,
)
from apo.evaluation import Evaluation, Rollout
from apo.meta_prompts import MetaPrompt
from apo.model import Completion, Decoding, Message, Model, Request, Usage
from apo.models import open_model
from apo.models.prices import Price
from apo.optimize import aoptimize, aresume, optimize, resume
from apo.options import Options
from apo.prompt import Demo, Layout, Prompt
from apo.result import Result
from apo.search import Search
from apo.select import highest_upper_bound
from apo.session import Optimizer
from apo.task import Example, Score, Scorer, Task
from apo.verdict import Verdict

__all__ = [
    "ApoError",
    "Budget",
    "BudgetExhausted",
    "Completion",
    "DataError",
    "Decoding",
    "Demo",
    "Evaluation",
    "Example",
    "Interrupted",
    "Layout",
    "Message",
    "MetaPrompt",
    "Model",
    "ModelError",
    "ModelUnavailable",
    "Optimizer",
    "Options",
    "Price",
    "Prompt",
    "PromptError",
    "Request",
    "Result",
    "Rollout",
    "RunError",
    "Score",
    "Scorer",
    "Search",
    "SettingsError",
    "Spent",
    "Stopped",
    "Task",
    "TaskError",
    "Usage",
    "Verdict",
    "aoptimize",
    "aresume",
    "highest_upper_bound",
    "open_model",
    "optimize",
    "resume",
]
