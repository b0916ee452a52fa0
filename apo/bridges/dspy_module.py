"""A `dspy.Module` as a program: each of its predictors is a step with a prompt of its own."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import replace
from functools import partial
from typing import Any

from apo.bridges.dspy_engine import dspy_module, language_model
from apo.errors import PromptError, TaskError
from apo.model import Completion, Decoding, Request
from apo.programs.program import Ask
from apo.prompts.files import default_template
from apo.prompts.fill import fill
from apo.prompts.forms.dspy import inputs_of
from apo.prompts.layout import Demo
from apo.prompts.prompt import Prompt
from apo.prompts.prompt_set import PromptSet

THREADS = 32
"""Modules without `aforward` that run at once; each waits in a thread of its own."""
ASKING = "apo_asking"
_call: ContextVar["_Call"] = ContextVar("call")


class _Call:
    """A predictor's call under way: its step, what it was given, and the draws yet to be made."""

    def __init__(self, step: str, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self.step, self.shown = step, {name: _text(value) for name, value in inputs.items()}
        rollout = options.get("rollout_id")
        self.draw = 0 if rollout is None else 1000 * (int(rollout) + 1)


class DspyProgram:
    """A `dspy.Module` as a program of a task; see `dspy_task`, which makes the task as well.

    Instructions and demos of all its predictors are what optimizers change; DSPy's adapter renders
    them, so that what is measured is what the module sends in DSPy. A reply that the adapter cannot
    read is the answer as it is, which the scorer then judges.

    Args:
        module: the module.
        output: the field of its prediction that is the answer; by default the last output field of
            its last predictor.
        calls: the most calls that one example takes; by default one a predictor, or two where the
            adapter asks once more in JSON for a reply that it cannot read, as DSPy's own does.
        adapter: renders and reads; by default DSPy's setting, or else a `dspy.ChatAdapter` that
            does not ask once more.
        decoding: how the answers are drawn, where a predictor does not say.

    Attributes:
        steps: names of its predictors, as `module.named_predictors()` gives them.
        calls: see above.
        models: none: all steps are answered by the task's model.
        output: see above.
        seed: the prompts that its predictors have.

    Raises:
        SettingsError: DSPy is not installed.
        TaskError: it has no predictors.
    """

    models: Mapping[str, str] = {}

    def __init__(
        self,
        module: Any,
        *,
        output: str = "",
        calls: int = 0,
        adapter: Any = None,
        decoding: Decoding = Decoding(),
    ) -> None:
        self._dspy = dspy = dspy_module("apo.DspyProgram")
        self._module = module
        plain = dspy.ChatAdapter(use_json_adapter_fallback=False)
        self._adapter = adapter or dspy.settings.adapter or plain
        predictors = dict(module.named_predictors())
        if not predictors:
            raise TaskError(f"The module {type(module).__name__} has no dspy.Predict within.")
        self.steps: tuple[str, ...] = tuple(predictors)
        again = getattr(self._adapter, "use_json_adapter_fallback", False)
        self.calls = calls or len(self.steps) * (2 if again else 1)
        self.output = output or list(predictors[self.steps[-1]].signature.output_fields)[-1]
        self._lm = language_model(dspy, "task", self._complete, self._acomplete)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dspy")
        self._made: dict[str, Any] = {}
        self.seed = PromptSet.of(
            {name: self._prompt(made, decoding) for name, made in predictors.items()}
        )

    async def answer(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Run the module on an example."""
        module, errors = self._compiled(ask.prompts), self._dspy.utils.exceptions
        settings: dict[str, Any] = {"trace": [], "callbacks": [], "lm": self._lm}
        # In DSPy's settings, which it hands on to threads that a module starts.
        settings |= {"adapter": _Told(self._adapter), ASKING: (ask, asyncio.get_running_loop())}
        try:
            with self._dspy.context(**settings):
                if hasattr(module, "aforward"):
                    found = await module.acall(**inputs)
                else:
                    work = partial(copy_context().run, module, **inputs)
                    found = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except errors.AdapterParseError as error:
            return str(error.lm_response)
        return self._answer(found)

    def module(self, prompt: Prompt) -> Any:
        """The module with the prompts of a candidate, such as a result's, to be used in DSPy."""
        made = self._module.deepcopy()
        for name, predictor in made.named_predictors():
            step = prompt.steps[name]
            predictor.signature = predictor.signature.with_instructions(step.instruction)
            predictor.demos = [self._example(predictor.signature, step, d) for d in step.demos]
        return made

    def _compiled(self, prompts: Mapping[str, Prompt]) -> Any:
        """The module that asks with some prompts; one for all examples, as in DSPy."""
        asked = PromptSet.of(prompts)
        if asked.id not in self._made:
            made = self.module(asked)
            for name, predictor in made.named_predictors():
                predictor.lm = self._lm.copy()
                predictor.lm.step = name
            if len(self._made) >= THREADS:
                self._made.pop(next(iter(self._made)))
            self._made[asked.id] = made
        return self._made[asked.id]

    def _prompt(self, predictor: Any, decoding: Decoding) -> Prompt:
        signature = predictor.signature
        template = default_template(tuple(signature.input_fields))
        demos = (self._demo(signature, template, demo) for demo in predictor.demos)
        return Prompt(
            signature.instructions, demos=tuple(demos), template=template, decoding=decoding
        )

    def _demo(self, signature: Any, template: str, demo: Mapping[str, Any]) -> Demo:
        """One of DSPy's demos as two turns: what a step is given, and what it says."""
        inputs = {name: _text(demo.get(name, "")) for name in signature.input_fields}
        said = {name: demo[name] for name in signature.output_fields if name in demo}
        if len(signature.output_fields) == 1 and said:
            return Demo(fill(template, inputs), _text(*said.values()))
        adapter = self._dspy.ChatAdapter()
        return Demo(
            fill(template, inputs), adapter.format_assistant_message_content(signature, said)
        )

    def _example(self, signature: Any, step: Prompt, demo: Demo) -> Any:
        """Two turns as one of DSPy's demos; a reply that DSPy cannot read is the last field."""
        try:
            inputs = inputs_of(demo.user, step.template)
        except PromptError:
            inputs = {next(iter(signature.input_fields)): demo.user}
        try:
            said = self._adapter.parse(signature, demo.assistant)
        except self._dspy.utils.exceptions.AdapterParseError:
            said = {list(signature.output_fields)[-1]: demo.assistant}
        return self._dspy.Example(augmented=True, **inputs, **said)

    def _complete(self, request: Request) -> Completion:
        """Have the example's `ask` make a call of the predictor under way; from a thread."""
        ask, loop = self._dspy.settings.get(ASKING)
        found = asyncio.run_coroutine_threadsafe(_answered(ask, request), loop)
        while not loop.is_closed():  # Else nobody would answer, and the thread would wait for ever.
            with contextlib.suppress(TimeoutError):
                return found.result(timeout=1)
            if found.done():
                return found.result()
        raise asyncio.CancelledError

    async def _acomplete(self, request: Request) -> Completion:
        """The same for coroutines."""
        ask, _ = self._dspy.settings.get(ASKING)
        return await _answered(ask, request)

    def _answer(self, found: Any) -> str:
        known = list(found.keys()) if hasattr(found, "keys") else []
        if self.output in known:
            return _text(found[self.output])
        if len(known) == 1:
            return _text(found[known[0]])
        raise TaskError(
            f"the prediction has no field {self.output!r}; it has {', '.join(known) or 'none'}: "
            "say which is the answer, as output"
        )


class _Told:
    """An adapter that tells which step asks, and what it was given."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def __call__(
        self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Mapping[str, Any]
    ) -> Any:
        _call.set(_Call(lm.step, inputs, {**lm.kwargs, **lm_kwargs}))
        return self._adapter(lm, lm_kwargs, signature, demos, inputs)

    async def acall(
        self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Mapping[str, Any]
    ) -> Any:
        """The same for coroutines."""
        _call.set(_Call(lm.step, inputs, {**lm.kwargs, **lm_kwargs}))
        return await self._adapter.acall(lm, lm_kwargs, signature, demos, inputs)


async def _answered(ask: Ask, request: Request) -> Completion:
    call = _call.get()
    set_ = {name: v for name, v in vars(request.decoding).items() if v not in (None, (), {})}
    own = replace(ask.prompts[call.step].decoding, **set_)
    draw, call.draw = call.draw, call.draw + 1
    return await ask.chat(request.messages, call.step, shown=call.shown, decoding=own, draw=draw)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
