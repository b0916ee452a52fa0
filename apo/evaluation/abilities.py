"""Whether a model can do what a prompt asks for beyond text: said before anything is paid."""

from collections.abc import Iterable, Mapping

from apo.errors import SettingsError
from apo.model import Model
from apo.programs.program import Program
from apo.prompts.needs import needs_of
from apo.prompts.prompt import Prompt

_WORDS = {
    "images": "is shown images ({shown})",
    "history": "is sent a conversation ({shown})",
    "tools": "is given tools ({shown})",
    "logprobs": "is asked for log-probabilities ({shown})",
}


def require_able(model: Model, prompts: Iterable[Prompt], program: Program | None = None) -> None:
    """Make sure that a model is asked for nothing that it is known to lack.

    What a model lacks it says itself, `lacks`: a sentence for each of `apo.prompts.needs.NEEDS`.
    Of others it is the server that says so.

    Args:
        model: the task model.
        prompts: what it is asked.
        program: of the task; what another model answers of its steps is not asked of this one.

    Raises:
        SettingsError: with the sentence.
    """
    elsewhere: Mapping[str, str] = {} if program is None else program.models
    lacks: Mapping[str, str] = getattr(model, "lacks", {})
    for prompt in prompts:
        for need, shown in needs_of(prompt, elsewhere).items():
            if need in lacks:
                raise SettingsError(
                    f"{model.name} {_WORDS[need].format(shown=shown)}, and {lacks[need]}"
                )
