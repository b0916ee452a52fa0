"""Drives DSPy's optimizers: a `dspy.Predict` with one input field per input of the task."""

import contextlib
import math
import random
from collections.abc import Generator, Sequence
from importlib import import_module
from typing import Any, cast

from apo.task import Example
from experiments.benchmarks.peers.cell import THREADS, Bench, Found, until_over
from experiments.benchmarks.peers.endpoint import Endpoint

METHODS = ("miprov2", "copro", "gepa", "simba", "random-search")
RESTARTS = 3
"""How often a search that a malformed reply has ended is begun again, with the calls left."""
UNREAD = 10**6
"""Answers that DSPy may fail to read in one evaluation, each scored 0: by default ten end a search,
and a small model has more in the first."""
_dspy: Any = import_module("dspy")
_AdapterParseError: Any = import_module("dspy.utils.exceptions").AdapterParseError
_Evaluate: Any = import_module("dspy.evaluate.evaluate").Evaluate


class _Engine:
    """What `dspy.LM` calls instead of its own HTTP client."""

    def __init__(self, endpoint: Endpoint, writes: bool) -> None:
        self._endpoint, self._writes = endpoint, writes

    def complete(self, request: Any) -> Any:
        lm15 = _dspy.lm15
        system = [{"role": "system", "content": str(request.system)}] if request.system else []
        turns = [{"role": str(m.role), "content": str(m.text)} for m in request.messages]
        config = request.config
        text = self._endpoint.chat(
            [*system, *turns],
            float(config.temperature or 0.0),
            config.max_tokens,
            writes=self._writes,
        )
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message(role="assistant", parts=(lm15.TextPart(text),)),
            finish_reason="stop",
            usage=lm15.Usage(input_tokens=1, output_tokens=1, total_tokens=2),
        )


class _Program:
    """The bench in DSPy's terms: examples, signature, metrics."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.fields = bench.task.input_fields
        self.output = "answer" if "answer" not in self.fields else "output"
        inputs = {name: (str, _dspy.InputField()) for name in self.fields}
        signature = {**inputs, self.output: (str, _dspy.OutputField())}
        self.student: Any = _dspy.Predict(_dspy.Signature(signature, bench.instruction))

    def rows(self, examples: Sequence[Example]) -> list[Any]:
        return [
            _dspy.Example(
                **{name: e.inputs[name] for name in self.fields}, **{self.output: e.target}
            ).with_inputs(*self.fields)
            for e in examples
        ]

    def gold(self, row: Any) -> Example:
        return self.bench.find([row[name] for name in self.fields])

    def metric(self, row: Any, prediction: Any, trace: Any = None) -> float:
        """Score of a prediction; while demos are bootstrapped, whether it is wholly right."""
        value = self.bench.judge(self.answer(prediction), self.gold(row)).value
        return float(value == 1) if trace is not None else value

    def metric_with_feedback(
        self, row: Any, prediction: Any, trace: Any = None, name: Any = None, part: Any = None
    ) -> Any:
        example = self.gold(row)
        score = self.bench.judge(self.answer(prediction), example)
        said = self.bench.feedback(score, example)
        return _dspy.Prediction(score=score.value, feedback=said)

    def answer(self, prediction: Any) -> str:
        return str(getattr(prediction, self.output, "") or "") if prediction else ""

    def found(self, program: Any, validation: float | None = None) -> Found:
        predictor = program.predictors()[0]
        clean = _clean(program)
        lm = _dspy.settings.lm

        def answer(example: Example) -> str:
            with _dspy.context(lm=lm):
                try:
                    return self.answer(clean(**{n: example.inputs[n] for n in self.fields}))
                except _AdapterParseError:
                    return ""  # What the program could not read is no answer.

        messages = _dspy.ChatAdapter().format(
            predictor.signature, predictor.demos, dict.fromkeys(self.fields, "")
        )
        return Found(answer, "\n\n".join(map(_text, messages)), validation)


def _text(message: Any) -> str:
    return str(cast("Any", message)["content"] if isinstance(message, dict) else message.text)


def _clean(program: Any) -> Any:
    """The instruction and demos of a program, without what its optimizer hung on it."""
    predictor = program.predictors()[0]
    clean: Any = _dspy.Predict(predictor.signature)
    clean.demos = list(predictor.demos)
    return clean


class _Best:
    """Remembers the best program among those measured on the largest set of examples."""

    def __init__(self) -> None:
        self.size, self.score, self.program = 0, -1.0, cast("Any", None)

    def saw(self, size: int, score: float, program: Any) -> None:
        if size > self.size or (size == self.size and score > self.score):
            self.size, self.score, self.program = size, score, _clean(program)


@contextlib.contextmanager
def _watched() -> Generator[_Best]:
    """Watch every complete evaluation, so that a stopped search has a best program so far."""
    best, call = _Best(), _Evaluate.__call__

    def watching(self: Any, program: Any, *args: Any, **kwargs: Any) -> Any:
        result = call(self, program, *args, **kwargs)
        best.saw(len(result.results), float(result.score) / 100, program)
        return result

    _Evaluate.__call__ = watching
    try:
        yield best
    finally:
        _Evaluate.__call__ = call


def drive(bench: Bench, method: str) -> tuple[Found, Found]:
    """Optimize with one of `METHODS`."""
    _forget()
    random.seed(bench.seed)
    task_lm = _lm(bench.endpoint, 0.0)
    settings = {"num_threads": THREADS, "disable_history": True, "max_errors": UNREAD}
    with _dspy.context(lm=task_lm, **settings), _watched() as best:
        program = _Program(bench)
        before = program.found(program.student)
        ended = None
        for _ in range(RESTARTS + 1):
            try:
                ended = until_over(lambda: _SEARCHES[method](program, bench))
                break
            except _AdapterParseError:
                _forget()  # Else the reply that it could not read comes again.
        chosen = best.program if ended is None else ended
        validation = best.score if best.size else None
        return before, program.found(program.student if chosen is None else chosen, validation)


def _forget() -> None:
    """Empty the cache of answers.

    The one in memory is on, as by default: a repeated request is no call. The one on disk is off,
    so that no run profits from another.
    """
    _dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)


def _lm(endpoint: Endpoint, temperature: float, *, writes: bool = False) -> Any:
    return _dspy.LM(
        "openai/writer" if writes else "openai/embedded",  # Else one's replies are the other's.
        engine=_Engine(endpoint, writes),
        temperature=temperature,
        max_tokens=4096,
    )


def _miprov2(program: _Program, bench: Bench) -> Any:
    """The largest preset that the budget pays for, with trials until the budget is over."""
    optimizer = _dspy.MIPROv2(
        metric=program.metric,
        prompt_model=_lm(bench.endpoint, 0.0, writes=True),
        auto=_preset(len(bench.task.validation), bench.endpoint.left),
        seed=bench.seed + 1,  # A seed of 0 is taken for none.
        num_threads=THREADS,
    )
    search = optimizer._optimize_prompt_parameters

    def spend(*args: Any) -> Any:
        student, texts, demos, evaluate, valset, _, minibatch, size, steps, seed = args
        cost = size + len(valset) / steps if minibatch else len(valset)
        # Twice what it takes without any repeated request; the budget ends it.
        trials = max(2, int(2 * bench.endpoint.left / cost))
        return search(student, texts, demos, evaluate, valset, trials, minibatch, size, steps, seed)

    optimizer._optimize_prompt_parameters = spend
    return optimizer.compile(
        program.student,
        trainset=program.rows(_shuffled(bench)),
        valset=program.rows(bench.task.validation),
        minibatch_size=min(35, len(bench.task.validation)),
    )


def _preset(n_validation: int, left: int) -> str:
    """Light, medium or heavy, by what MIPROv2 says that each costs at least."""
    presets: Any = import_module("dspy.teleprompt.mipro_optimizer_v2").AUTO_RUN_SETTINGS
    fits = "light"
    for name in ("light", "medium", "heavy"):
        n, size = presets[name]["n"], min(presets[name]["val_size"], n_validation)
        trials = int(max(4 * math.log2(n), 1.5 * n))
        if 10 * n + 35 * trials + size * (trials // 5 + 2) <= left:
            fits = name
    return fits


def _copro(program: _Program, bench: Bench) -> Any:
    """Its default breadth and depth, on as many validation examples as the budget pays for."""
    breadth, depth = 10, 3
    n = max(10, bench.endpoint.left // (breadth * depth + 1))
    writer = _lm(bench.endpoint, 0.0, writes=True)
    optimizer = _dspy.COPRO(
        prompt_model=writer, metric=program.metric, breadth=breadth, depth=depth
    )
    return optimizer.compile(
        program.student,
        trainset=program.rows(bench.task.validation[:n]),
        eval_kwargs={"num_threads": THREADS, "display_progress": False},
    )


def _gepa(program: _Program, bench: Bench) -> Any:
    optimizer = _dspy.GEPA(
        metric=program.metric_with_feedback,
        # A repeated request costs no call: the budget in calls ends the search, not this one.
        max_metric_calls=3 * bench.endpoint.left,
        reflection_lm=_lm(bench.endpoint, 1.0, writes=True),
        num_threads=THREADS,
        seed=bench.seed,
    )
    return optimizer.compile(
        program.student,
        trainset=program.rows(bench.task.train),
        valset=program.rows(bench.task.validation),
    )


def _simba(program: _Program, bench: Bench) -> Any:
    """Its default batch and candidates, for the steps that leave its last evaluation two batches.

    That one measures the winner of each step on all its examples, so their number is cut to what
    the budget then pays for.
    """
    batch, n_candidates = 32, 6
    pool = bench.task.validation
    per_step = batch * n_candidates + (batch + 1) * (n_candidates + 1)

    def room(steps: int) -> int:
        return (bench.endpoint.left - steps * per_step) // min(steps + 1, n_candidates + 1)

    steps = 1
    while room(steps + 1) >= min(2 * batch, len(pool)):
        steps += 1
    rows = program.rows(pool[: max(batch, room(steps))])
    optimizer = _dspy.SIMBA(
        metric=program.metric,
        bsize=min(batch, len(rows)),
        num_candidates=n_candidates,
        max_steps=steps,
        prompt_model=_lm(bench.endpoint, 0.0, writes=True),
        num_threads=THREADS,
    )
    return optimizer.compile(program.student, trainset=rows, seed=bench.seed)


def _random_search(program: _Program, bench: Bench) -> Any:
    """Its 16 candidates, or more where the budget pays for them."""
    n = max(16, bench.endpoint.left // len(bench.task.validation))
    optimizer = _dspy.BootstrapFewShotWithRandomSearch(
        metric=program.metric, num_candidate_programs=n, num_threads=THREADS
    )
    return optimizer.compile(
        program.student,
        trainset=program.rows(_shuffled(bench)),
        valset=program.rows(bench.task.validation),
    )


def _shuffled(bench: Bench) -> list[Example]:
    """The training examples in an order of the run: some of DSPy's searches have fixed seeds."""
    return random.Random(bench.seed).sample(bench.task.train, len(bench.task.train))


_SEARCHES = {
    "miprov2": _miprov2,
    "copro": _copro,
    "gepa": _gepa,
    "simba": _simba,
    "random-search": _random_search,
}
