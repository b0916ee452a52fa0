"""The public names. `__all__` lists the essentials; the rest are building blocks."""

from .assessment.evaluate import aevaluate as aevaluate
from .assessment.evaluate import evaluate as evaluate
from .assessment.to_mlflow import to_mlflow as to_mlflow
from .bridges.dspy_lm import dspy_lm as dspy_lm
from .bridges.dspy_model import DspyModel as DspyModel
from .bridges.dspy_module import DspyProgram as DspyProgram
from .bridges.dspy_task import dspy_task as dspy_task
from .bridges.mlflow_optimizer import mlflow_optimizer as mlflow_optimizer
from .bridges.optuna_study import to_optuna as to_optuna
from .calls.budget import Budget
from .calls.budget import Spent as Spent
from .calls.options import Options
from .edits.edit import edit_names as edit_names
from .errors import (
    ApoError as ApoError,
)
from .errors import (
    BudgetExhausted as BudgetExhausted,
)
from .errors import (
    DataError as DataError,
)
from .errors import (
    Interrupted as Interrupted,
)
from .errors import (
    ModelError as ModelError,
)
from .errors import (
    ModelUnavailable as ModelUnavailable,
)
from .errors import (
    PromptError as PromptError,
)
from .errors import (
    RunError as RunError,
)
from .errors import (
    SettingsError as SettingsError,
)
from .errors import (
    Stopped as Stopped,
)
from .errors import (
    TaskError as TaskError,
)
from .evaluation.evaluation import Evaluation as Evaluation
from .evaluation.evaluation import Rollout as Rollout
from .model import Completion as Completion
from .model import Decoding as Decoding
from .model import Message as Message
from .model import Model as Model
from .model import Request as Request
from .models import open_model as open_model
from .models.prices import Price as Price
from .programs.program import Ask as Ask
from .programs.program import Asked as Asked
from .programs.program import Program as Program
from .prompts.layout import Demo as Demo
from .prompts.layout import Layout as Layout
from .prompts.meta_prompts import MetaPrompt as MetaPrompt
from .prompts.prompt import Prompt as Prompt
from .prompts.prompt_set import PromptSet as PromptSet
from .reading.replies import read_tags as read_tags
from .results.result import Result as Result
from .results.verdict import Verdict as Verdict
from .run.folds import aoptimize_folds as aoptimize_folds
from .run.folds import aresume_folds as aresume_folds
from .run.folds import optimize_folds, resume_folds
from .run.optimize import aoptimize, optimize
from .run.resume import aresume, resume
from .search.allocate import ALLOCATORS as ALLOCATORS
from .search.allocate import allocate as allocate
from .search.plugins import make_optimizer as make_optimizer
from .search.ranges import check_ranges as check_ranges
from .search.search import Optimizer as Optimizer
from .search.search import Search as Search
from .select import (
    elo_updates as elo_updates,
)
from .select import (
    highest_upper_bound as highest_upper_bound,
)
from .select import (
    nondominated_sort as nondominated_sort,
)
from .select import (
    pareto_fronts as pareto_fronts,
)
from .select import (
    pareto_weights as pareto_weights,
)
from .select import (
    race_losers as race_losers,
)
from .select import (
    roulette as roulette,
)
from .select import (
    tournament as tournament,
)
from .select import (
    ucb_e as ucb_e,
)
from .select import (
    undominated as undominated,
)
from .statistics import share_of_wins as share_of_wins
from .task import Example as Example
from .task import Score as Score
from .task import Scorer as Scorer
from .task import Task as Task
from .taskfile.load import load_task, task_from_data
from .usage import Usage as Usage

__all__ = [
    "Budget",
    "Options",
    "aoptimize",
    "aresume",
    "load_task",
    "optimize",
    "optimize_folds",
    "resume",
    "resume_folds",
    "task_from_data",
]
