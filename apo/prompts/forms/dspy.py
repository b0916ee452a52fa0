"""DSPy: the state of a `dspy.Predict` program, as `program.save("FILE.json")` writes it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apo.errors import PromptError
from apo.model import Decoding
from apo.prompts.fill import VARIABLE
from apo.prompts.forms.found import Found, items, keys_of, load_json, mapping, pretty
from apo.prompts.forms.provenance import Provenance
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt

ANSWER = "answer"
"""The output field of the signature that loads the state: "INPUT, … -> answer"."""


def write(prompt: Prompt, provenance: Provenance) -> str:
    """Write a state for `dspy.Predict("FIELD, … -> answer")`.

    Instruction and context are its instructions, demos its demos. The key "apo" holds the prompt
    itself, which DSPy keeps aside and does not send.

    Raises:
        PromptError: an input is called "answer", or a demo cannot be parted into inputs.
    """
    if ANSWER in prompt.variables:
        raise PromptError("The input {{answer}} has the name of DSPy's output here; rename it.")
    texts = [prompt.instruction, prompt.context]
    fields = [{"prefix": f"{name}:", "description": f"${{{name}}}"} for name in prompt.variables]
    fields.append({"prefix": "Answer:", "description": "${answer}"})
    signature = {"instructions": "\n\n".join(filter(None, texts)), "fields": fields}
    demos = [{**inputs_of(d.user, prompt.template), ANSWER: d.assistant} for d in prompt.demos]
    own = {"prompt": prompt.to_dict(), "provenance": provenance.to_dict()}
    state = {"traces": [], "train": [], "demos": demos, "signature": signature, "lm": None}
    return pretty({**state, "apo": own, "metadata": {"dependency_versions": {}}})


def inputs_of(user: str, template: str) -> dict[str, str]:
    """The inputs that fill a template so that it is this text.

    Raises:
        PromptError: nothing fills it so.
    """
    parts = VARIABLE.split(template)
    pattern = "".join("(.*?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    match = re.fullmatch(pattern, user, re.DOTALL)
    if match is None:
        raise PromptError(
            f"The demo {user[:80]!r} is not written as the user turn {template[:80]!r} is, so that "
            "its inputs cannot be told for DSPy. Take another form."
        )
    return dict(zip(parts[1::2], match.groups(), strict=True))


def read(text: str) -> Found:
    """Read the state of a program of one predictor.

    Raises:
        PromptError: several predictors, or a shape that DSPy does not write.
    """
    values = mapping(load_json(text), "The state")
    if "signature" not in values:
        predictors = [k for k, v in values.items() if "signature" in keys_of(v)]
        if len(predictors) != 1:
            raise PromptError(
                f"The DSPy program has {len(predictors)} predictors ({', '.join(predictors)}), and "
                "a prompt is one: save the state of one of them."
            )
        values = mapping(values[predictors[0]], predictors[0])
    own = mapping(values.get("apo"), "apo")
    if "prompt" in own:
        return Found(Prompt.from_dict(mapping(own["prompt"], "apo.prompt")))
    signature = mapping(values["signature"], "signature")
    left = ["lm"] if values.get("lm") else []
    return Found(_plain(signature, items(values.get("demos"))), tuple(left))


def _plain(signature: Mapping[str, Any], demos: Sequence[Any]) -> Prompt:
    """A prompt of a signature and its demos: inputs as the task shows them, the last field out."""
    made = list[Demo]()
    for demo in demos:
        fields = {k: str(v) for k, v in mapping(demo, "A demo").items() if k != "augmented"}
        *inputs, (_, answer) = [*fields.items()] or [("", "")]
        shown = [v if len(inputs) == 1 else f"{k}: {v}" for k, v in inputs]
        made.append(Demo("\n".join(shown), answer))
    return Prompt(
        str(signature.get("instructions", "")), demos=tuple(made), template="",
        decoding=Decoding(temperature=None),
    )  # fmt: skip
