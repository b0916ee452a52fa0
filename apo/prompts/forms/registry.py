"""The list of forms, and prompts written in one of them."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from apo.errors import PromptError, near

if TYPE_CHECKING:  # The help lists the forms, and must come at once.
    from apo.prompts.forms.provenance import Provenance
    from apo.prompts.prompt import Prompt


class Form(NamedTuple):
    """One form of a file.

    Attributes:
        module: of this package, that writes and, where it can be read, reads it.
        says: whose it is, in a few words.
        near: further names that people give it.
        loses: what no prompt keeps in it, in a sentence; "" for nothing.
        reads: whether the module can read it.
        holds: what it can hold beyond turns of text, each a name of `apo.prompts.needs`.
    """

    module: str
    says: str
    near: tuple[str, ...] = ()
    loses: str = ""
    reads: bool = True
    holds: tuple[str, ...] = ()


_ALL = ("images", "history", "tools", "logprobs")
_CALL = ("tools", "logprobs")
FORMS: dict[str, Form] = {
    "text": Form("text", "all turns as one text", ("txt", "plain"), reads=False),
    "json": Form("own_json", "apo's own, lossless", ("apo",), holds=_ALL),
    "yaml": Form("own_yaml", "apo's own, lossless", ("yml",), holds=_ALL),
    "markdown": Form("markdown", "a page with a fence for each turn", ("md",), holds=_CALL),
    "messages": Form("messages", "chat messages", ("chat",), reads=False, holds=("images",)),
    "openai": Form(
        "openai",
        "a request of the Responses API",
        ("responses", "request"),
        holds=("images", "tools"),
    ),
    "python": Form(
        "python", "a function that needs no apo", ("py", "function"), reads=False, holds=_CALL
    ),
    "dspy": Form(
        "dspy",
        "the state of dspy.Predict",
        ("dspy-state",),
        "DSPy's adapter puts its own words around instruction, demos and inputs, and its LM says "
        "how answers are drawn: measure the program anew, or give it the adapter of "
        "docs/prompt-files.md, which sends the same messages.",
    ),
    "langchain": Form(
        "langchain", "a ChatPromptTemplate", ("chatprompttemplate", "langchain-core")
    ),
    "prompty": Form("prompty", "a .prompty file", ()),
    "dotprompt": Form("dotprompt", "a .prompt file of Genkit", ("prompt", "genkit", "handlebars")),
    "github": Form("github", "a .prompt.yml file of GitHub Models", ("prompt.yml", "prompt-yml")),
    "promptfoo": Form(
        "promptfoo",
        "a configuration with the test rows",
        ("promptfooconfig", "promptfooconfig.yaml"),
        "promptfoo passes an answer that holds an accepted one, whatever the scorer of the task: "
        "its figure is not apo's.",
        holds=("images", *_CALL),
    ),
    "huggingface": Form(
        "huggingface", "a row with the column messages", ("hf", "jsonl"), holds=("images", *_CALL)
    ),
    "curl": Form(
        "curl", "a shell script with curl and jq", ("sh", "shell", "bash"), reads=False, holds=_CALL
    ),
}
"""Each form by its name."""
FORMATS = list(FORMS)
WHOLE = ("own_json", "own_yaml")
"""Modules of forms that hold all prompts of a program."""


def form_named(name: str) -> Form:
    """Find a form by its name, or by one that people give it.

    Raises:
        PromptError: there is none; the text says the near ones.
    """
    for known, form in FORMS.items():
        if name.lower().lstrip(".") in (known, *form.near):
            return form
    raise PromptError(f"There is no export format {name!r}.{near(name, FORMATS)}")


def module_of(form: Form) -> Any:
    """The module that writes and reads a form."""
    return import_module(f"apo.prompts.forms.{form.module}")


def write_prompt(prompt: "Prompt", form: str, provenance: "Provenance | None" = None) -> str:
    """Write a prompt for use elsewhere.

    Args:
        prompt: the prompt.
        form: a name in `FORMS`.
        provenance: what is known of it; forms that can hold it do.

    Raises:
        PromptError: an unknown form, or one that cannot hold this prompt.
    """
    from apo.prompts.forms.provenance import Provenance

    steps = [name for name in prompt.steps if name]
    if steps and form_named(form).module not in WHOLE:
        raise PromptError(
            f"This is a program with a prompt for each of the steps {', '.join(steps)}; the form "
            f"{form} holds one prompt. Take --format json or yaml, which hold them all."
        )
    require_held(prompt, f"the form {form}", form_named(form).holds)
    text: str = module_of(form_named(form)).write(prompt, provenance or Provenance())
    return text


def require_held(prompt: "Prompt", what: str, holds: Sequence[str]) -> None:
    """Make sure that what a prompt needs beyond turns of text has a place where it goes.

    Args:
        prompt: the prompt.
        what: where it goes, such as "the form text".
        holds: what has a place there.

    Raises:
        PromptError: something has none; the text says which forms can hold all of it.
    """
    from apo.prompts.needs import needs_of

    needs = needs_of(prompt)
    for need, shown in needs.items():
        if need not in holds:
            able = [name for name, form in FORMS.items() if {*needs} <= {*form.holds}]
            raise PromptError(
                f"This prompt has {need} ({shown}), which {what} cannot hold. Take --format "
                f"{', '.join(able[:-1])} or {able[-1]}, which can."
            )
