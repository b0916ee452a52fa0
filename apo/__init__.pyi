from .allocate import ALLOCATORS, allocate
from .budget import Budget, Spent
from .errors import (
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
from .evaluation import Evaluation, Rollout
from .fold_runs import aoptimize_folds, aresume_folds, optimize_folds, resume_folds
from .meta_prompts import MetaPrompt
from .model import Completion, Decoding, Message, Model, Request, Usage
from .models import open_model
from .models.prices import Price
from .optimize import aoptimize, aresume, optimize, resume
from .options import Options
from .plugins import make_optimizer
from .prompt import Demo, Layout, Prompt
from .ranges import check_ranges
from .replies import read_tags
from .result import Result
from .scorers.to_mlflow import to_mlflow
from .search import Search
from .select import (
    highest_upper_bound,
    nondominated_sort,
    pareto_fronts,
    pareto_weights,
    race_losers,
    roulette,
    tournament,
    ucb_e,
    undominated,
)
from .session import Optimizer
from .task import Example, Score, Scorer, Task
from .taskfile.load import load_task, task_from_data
from .verdict import Verdict

__all__ = [
    "ALLOCATORS",
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
    "allocate",
    "aoptimize",
    "aoptimize_folds",
    "aresume",
    "aresume_folds",
    "check_ranges",
    "highest_upper_bound",
    "load_task",
    "make_optimizer",
    "nondominated_sort",
    "open_model",
    "optimize",
    "optimize_folds",
    "pareto_fronts",
    "pareto_weights",
    "race_losers",
    "read_tags",
    "resume",
    "resume_folds",
    "roulette",
    "task_from_data",
    "to_mlflow",
    "tournament",
    "ucb_e",
    "undominated",
]
