"""A task and its seed prompt as a DSPy program of one predictor; and its states as prompts."""

import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from apo.errors import PromptError
from apo.prompts.forms.dspy import inputs_of
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt
from apo.task import Example

MARK = "apo"
"""Set in the output field, so that the program's signature is known from those of others."""


class Program:
    """The student that DSPy's optimizers change, and what its states mean.

    Instruction, demos and the prefix of the answer (apo's cue) are what DSPy changes; layout,
    context, template and decoding stay the seed prompt's. Of a program of several steps they are
    those of the step in focus, and the answer is the whole program's.

    Args:
        dspy: the module.
        seed: the prompt that it begins with.
        fields: names of the task's input fields.

    Attributes:
        student: the program, as the seed prompt is.
        output: name of the output field.
    """

    def __init__(self, dspy: Any, seed: Prompt, fields: Sequence[str]) -> None:
        self._dspy, self._seed = dspy, seed
        self._names = _safe(dspy, fields)
        self.output = _free("answer", self._names.values())
        told = {name: (str, dspy.InputField(desc="")) for name in self._names.values()}
        answer = dspy.OutputField(desc="")
        answer.json_schema_extra.update({"prefix": seed.cue, MARK: True})  # COPRO's prefix.
        signature = dspy.Signature({**told, self.output: (str, answer)}, seed.instruction)
        self._instruction = signature.instructions
        readable = [(demo, self._inputs(demo)) for demo in seed.demos]
        self._fixed = tuple(demo for demo, inputs in readable if inputs is None)
        self.student = _student(dspy, signature)
        self.student.answer.demos = [
            self._row(inputs, demo.assistant) for demo, inputs in readable if inputs is not None
        ]

    def owns(self, signature: Any) -> bool:
        """Whether a signature is the student's, whatever its instruction is by now."""
        extra: list[Any] = [
            field.json_schema_extra or {} for field in signature.output_fields.values()
        ]
        return any(MARK in found for found in extra)

    def row(self, example: Example) -> Any:
        """An example of the task as one of DSPy's."""
        return self._row(example.inputs, example.target).with_inputs(*self._names.values())

    def key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """What a row is found by: its inputs."""
        return tuple(str(row[name]) for name in self._names.values())

    def prompt(self, signature: Any, demos: Iterable[Mapping[str, Any]]) -> Prompt:
        """The prompt that a state of the student is."""
        text = signature.instructions
        if text == self._instruction:
            text = self._seed.instruction  # DSPy takes white space around it away.
        made = tuple(
            self._seed.demo({n: str(demo.get(k, "")) for n, k in self._names.items()},
                            str(demo[self.output]))
            for demo in demos
        )  # fmt: skip
        cue = signature.output_fields[self.output].json_schema_extra["prefix"]
        changed = self._seed.with_instruction(text).with_demos((*self._fixed, *made))
        return replace(changed, cue=cue)

    def _row(self, inputs: Mapping[str, str], answer: str) -> Any:
        shown = {safe: inputs.get(name, "") for name, safe in self._names.items()}
        return self._dspy.Example(**shown, **{self.output: answer})

    def _inputs(self, demo: Demo) -> dict[str, str] | None:
        """The inputs of a demo of the seed prompt; None where its user turn is not the template."""
        try:
            inputs = inputs_of(demo.user, self._seed.template)
        except PromptError:
            return None
        return inputs if self._seed.demo(inputs, demo.assistant) == demo else None


def _student(dspy: Any, signature: Any) -> Any:
    kind: Any = dspy.Module  # Its code is shown to the model that writes instructions.

    class Answer(kind):  # type: ignore[misc]
        """Answers an input."""

        def __init__(self) -> None:
            super().__init__()
            self.answer = dspy.Predict(signature)

        def forward(self, **inputs: Any) -> Any:
            return self.answer(**inputs)

    return Answer()


def _safe(dspy: Any, fields: Sequence[str]) -> dict[str, str]:
    """A name for each field that DSPy takes: no word of its own, and no Python."""
    call = ("signature", "demos", "config", "lm", "prediction", "new_signature", "base", "self")
    taken = {*dir(dspy.Signature), *dir(dspy.Example), *call}
    names: dict[str, str] = {}
    for name in fields:
        fits = name.isidentifier() and not keyword.iskeyword(name) and name[0] != "_"
        plain = name if fits and name not in taken else f"input_{len(names) + 1}"
        names[name] = _free(plain, [*names.values()])
    return names


def _free(name: str, taken: Iterable[str]) -> str:
    known = {*taken}
    while name in known:
        name += "_"
    return name
