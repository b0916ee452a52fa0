"""Whether a candidate's prompts are those that a program asks with."""

from apo.errors import PromptError
from apo.programs.chain import Chain
from apo.programs.program import Program
from apo.prompts.prompt import Prompt


def require_fit(
    program: Program | None, prompt: Prompt, input_fields: tuple[str, ...] = ()
) -> None:
    """Make sure that a task can be answered with a prompt.

    Args:
        program: the task's; None where a prompt is sent as it is.
        prompt: one prompt, or those of a program's steps.
        input_fields: of the task; () leaves out what a chain's steps are given.

    Raises:
        PromptError: it has other steps; the text says which are needed.
    """
    wanted = ("",) if program is None else program.steps
    given = tuple(prompt.steps)
    if given == wanted:
        if isinstance(program, Chain) and input_fields:
            program.require_fit(prompt.steps, input_fields)
        return
    if wanted == ("",):
        raise PromptError(
            f"The task takes one prompt, and this has a prompt for each of the steps "
            f"{', '.join(given)}."
        )
    what = "is one prompt" if given == ("",) else f"has the steps {', '.join(given)}"
    raise PromptError(
        f"The task is a program with the steps {', '.join(wanted)}, in this order, and this "
        f"{what}. Give apo's json form, as apo export --format json writes it."
    )
