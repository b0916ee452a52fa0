"""Models opened as a run's options say: who answers, who writes, who judges."""

from collections.abc import Callable, Iterable

from apo.calls.budget import Budget
from apo.calls.call import Endpoint
from apo.calls.options import Options
from apo.errors import SettingsError
from apo.model import Model
from apo.models import open_model
from apo.programs.program import Program
from apo.scorers.awaited import AwaitedScorer
from apo.trust import has_keys

MAX_OUTPUT = {"task": 1024, "optimizer": 4096, "fallback": 4096, "judge": 512}
"""Tokens of an answer in each role, thinking apart, where a call does not say: a judge gives its
reason in a sentence or two, and a grade."""


def open_with(options: Options, model: str) -> Model:
    """Open a model by its name, as the options say.

    Raises:
        SettingsError: there is no such model, or its key is missing.
    """
    return open_model(
        model,
        transport=options.transport,
        timeout=options.timeout,
        max_connections=options.max_concurrency,
    )


def unbounded(endpoints: Iterable[Endpoint], budget: Budget) -> bool:
    """Whether no limit ever ends the calls: none but one in dollars, and nothing costs any."""
    others = (budget.max_calls, budget.max_tokens, budget.max_minutes)
    prices = [endpoint.price for endpoint in endpoints]
    free = all(price is not None and price.input == price.output == 0 for price in prices)
    return free and all(limit is None for limit in others)


def require_binding(endpoints: Iterable[Endpoint], budget: Budget) -> None:
    """Make sure that a limit in dollars can end work that ends by itself, where one is given.

    Args:
        endpoints: whom the work asks.
        budget: as the user gave it, without limits that the work sets itself.

    Raises:
        SettingsError: it is the only limit, and nothing costs any.
    """
    if budget.max_usd is not None and unbounded(endpoints, budget):
        raise SettingsError(
            "These models cost nothing, so a limit in dollars never ends anything. Leave --max-usd "
            "out, or state what they cost: --price 'NAME=IN,OUT'."
        )


def open_judges(
    scorer: object, own: Model | None, options: Options, endpoint: Callable[[str, Model], Endpoint]
) -> dict[str, Endpoint]:
    """Open the models that a scorer asks, by name.

    Args:
        scorer: the task's.
        own: who judges where neither scorer nor options name a model; None for nobody.
        options: of the run.
        endpoint: makes the endpoint of a role and a model.

    Raises:
        SettingsError: nobody is there to judge.
    """
    if not isinstance(scorer, AwaitedScorer) or not scorer.n_calls:
        return {}
    names = scorer.models or ("",)
    named = (options.judge_model, options.fallback_model)
    opened = {
        name: open_with(options, str(name) if has_keys(name, named) else name)
        for name in filter(None, names)
    }
    if "" in names:
        referee = open_with(options, options.judge_model) if options.judge_model else own
        if referee is None:
            raise SettingsError(
                "Name the model that judges: --judge-model, or models of the scorer."
            )
        opened[""] = referee
    return {name: endpoint("judge", model) for name, model in opened.items()}


def open_others(
    program: Program | None, options: Options, endpoint: Callable[[str, Model], Endpoint]
) -> dict[str, Endpoint]:
    """Open the models that answer steps of a program in the task model's place, by name.

    Args:
        program: the task's; None for none.
        options: of the run.
        endpoint: makes the endpoint of a role and a model.
    """
    names = {} if program is None else dict.fromkeys(program.models.values())
    named = (options.judge_model, options.fallback_model)
    return {
        name: endpoint("task", open_with(options, str(name) if has_keys(name, named) else name))
        for name in names
    }
