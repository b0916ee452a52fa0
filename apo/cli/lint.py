"""`apo lint` and `apo tokens`: a prompt looked at without a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apo.cli import options as o
from apo.cli.values import prices as read_prices
from apo.language.catalogue import message, translated

if TYPE_CHECKING:
    from apo.prompts.prompt import Prompt
    from apo.task import Task

LEVELS = {"mind": message("mind"), "lacks": message("lacks"), "has": message("has")}
"""What each level is called."""
PromptName = Annotated[
    str,
    typer.Argument(
        metavar="PROMPT", help="A prompt file, RUN[:ID] for a run's prompt, or a task for its own."
    ),
]
TaskOption = Annotated[
    str, typer.Option("--task", "-t", metavar="TASK", help="The task that the prompt is for.")
]


def lint(prompt: PromptName, task: TaskOption = "", json: o.Json = False) -> None:
    """Hold a prompt against the checklist of prompt engineering; no model is asked.

    Example: `apo lint prompt.md`
    """
    from apo.cli.console import padded, print_json, tell_pairs
    from apo.lint.checklist import lint as lint_prompt

    found = lint_prompt(_read(prompt, _task(task)))
    if json:
        print_json(
            [{"level": h.level, "technique": h.technique, "reason": h.reason} for h in found]
        )
        return
    styles = {"mind": "yellow", "lacks": "cyan", "has": "green"}
    tell_pairs(
        (
            padded(LEVELS[h.level], 5),
            f"{translated(h.technique)}: {translated(h.reason)}",
            styles[h.level],
        )
        for h in found
    )


def tokens(
    prompt: PromptName,
    task: TaskOption = "",
    models: Annotated[
        list[str], typer.Option("--model", "-m", metavar="NAME", help="A model; repeatable.")
    ] = [],  # noqa: B006 (typer reads the default, nobody changes it)
    price: o.Prices = [],  # noqa: B006
    json: o.Json = False,
) -> None:
    """Say about how many tokens a call with a prompt takes, and what it costs with each model.

    Example: `apo tokens prompt.md --task support-tickets -m openai/gpt-5-mini`
    """
    from apo.cli.console import print_json, tell
    from apo.lint.tokens import weigh
    from apo.models.prices import find_price

    loaded = _task(task)
    examples = loaded.train if loaded else ()
    weight = weigh(
        _read(prompt, loaded), [e.inputs for e in examples], [e.target for e in examples]
    )
    stated = read_prices(price)
    found = {name: find_price(name, stated) for name in models}
    each = {name: None if one is None else weight.dollars(one) for name, one in found.items()}
    if json:
        about = {"fixed": weight.fixed, "wide": weight.wide}
        print_json({**about, "input": weight.inputs, "answer": weight.answer, "dollars": each})
        return
    tell(f"About {weight.fixed:,} tokens in each call, without a tokenizer rather too many.")
    if weight.wide:
        tell(
            f"{weight.wide:,} of them are Korean, Japanese or Chinese characters, 1.5 tokens each; "
            "newer vocabularies need fewer."
        )
    if loaded and loaded.program is not None:
        tell(
            f"An example may take {loaded.calls_per_example} calls, and what the solver or the "
            "program says beside the prompt is not counted."
        )
    if loaded:
        right = f"a target has about {weight.answer:,.0f}"
        tell(f"An input of {task} adds about {weight.inputs:,.0f}, {right}.")
    elif models:
        tell("Inputs and answers come on top; with --task they are counted.")
    for name, dollars in each.items():
        if dollars is None:
            tell(f"{name}: its price is not known. State it with --price.")
        else:
            told = message(f"${dollars:.6f} a call, ${dollars * 1000:,.2f} for 1,000")
            tell(f"{name}: {told}.")


def _task(name: str) -> "Task | None":
    from apo.cli.console import home
    from apo.taskfile.load import load_task

    return load_task(name, memory=home() / "splits") if name else None


def _read(name: str, task: "Task | None") -> "Prompt":
    """The prompt of a file, a run or a folder; without a task its variables are its inputs."""
    from apo.cli.prompts import free_prompt, prompt_of
    from apo.taskfile.places import FILE_NAME

    if (Path(name) / FILE_NAME).is_file() and (own := _task(name)):
        return own.seed_prompts[0]
    return prompt_of(name, task, so_far=True)[0] if task else free_prompt(name)
