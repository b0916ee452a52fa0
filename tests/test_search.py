"""The optimizer's door: what comes through is paid, recorded, and nothing is reached past it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from apo import (
    Budget,
    BudgetExhausted,
    Completion,
    Demo,
    Evaluation,
    Example,
    MetaPrompt,
    ModelError,
    ModelUnavailable,
    Options,
    Prompt,
    PromptError,
    Request,
    Rollout,
    Score,
    Search,
    Task,
    TaskError,
    Usage,
)
from apo.calls.call import Endpoint
from apo.calls.caller import Caller
from apo.calls.meter import Meter
from apo.calls.retry import Retry
from apo.errors import AuthenticationError, ContentFilterError, ContextLengthError, RateLimitError
from apo.storage.journal import Journal
from apo.storage.rows import Event
from apo.testing import fake_task


@dataclass
class Told:
    """A model that answers what its function of (messages, number of the request) says."""

    says: Callable[[list[str], int], str | ModelError]
    name: str = "told"

    def __post_init__(self) -> None:
        self.asked: list[list[str]] = []
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        messages = [message.content for message in request.messages]
        self.asked.append(messages)
        self.requests.append(request)
        answer = self.says(messages, len(self.asked) - 1)
        if isinstance(answer, ModelError):
            raise answer
        return Completion(text=answer, usage=Usage(input_tokens=10, output_tokens=1))

    async def aclose(self) -> None:
        pass


def echo(messages: list[str], _: int) -> str:
    return messages[-1]


def says(*replies: str | ModelError) -> Told:
    """An optimizer model that gives its replies in order."""
    return Told(lambda _, n: replies[n])


async def no_sleep(_: float) -> None:
    pass


@dataclass
class Stage:
    """A search with its models and journal."""

    search: Search
    journal: Journal
    caller: Caller
    task_model: Told
    writer: Told

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.journal.events() if event.kind == kind]

    @property
    def reasons(self) -> list[str]:
        return [event.body["reason"] for event in self.events("refused")]


def on_stage(
    work: Callable[[Stage], Awaitable[None]],
    *,
    task: Task | None = None,
    answers: Callable[[list[str], int], str | ModelError] = echo,
    writer: Told | None = None,
    max_calls: int | None = None,
    **given: Any,
) -> None:
    async def main() -> None:
        task_model, optimizer_model = Told(answers), writer or says()
        with Journal() as journal:
            retry = Retry(max_attempts=2, sleep=no_sleep)
            caller = Caller(journal, Meter(Budget(max_calls=max_calls)), retry=retry)
            search = Search(
                replace(task or fake_task(), test=()),
                caller=caller,
                task_model=Endpoint("task", task_model),
                optimizer_model=Endpoint("optimizer", optimizer_model),
                options=Options(**given),
            )
            await work(Stage(search, journal, caller, task_model, optimizer_model))

    asyncio.run(main())


# --- the test split -------------------------------------------------------------------------


def test_a_task_with_its_test_split_is_turned_away() -> None:
    async def main() -> None:
        with Journal() as journal:
            endpoint = Endpoint("task", Told(echo))
            caller = Caller(journal, Meter(Budget()))
            with pytest.raises(TaskError, match="must not be given the test split"):
                Search(fake_task(), caller=caller, task_model=endpoint, optimizer_model=endpoint)

    asyncio.run(main())


def test_no_test_example_is_reachable_from_a_search() -> None:
    task = fake_task()
    test = {id(example) for example in task.test} | {example.id for example in task.test}

    async def work(stage: Stage) -> None:
        await stage.search.evaluate(stage.search.seed_prompts[0])
        seen: set[int] = set()
        to_do: list[object] = [stage.search]
        while to_do:
            thing = to_do.pop()
            if id(thing) in seen or isinstance(thing, type | str | int | float | asyncio.Task):
                continue
            seen.add(id(thing))
            assert id(thing) not in test
            if isinstance(thing, Example):
                assert thing.id not in test
            held = vars(thing).values() if hasattr(thing, "__dict__") else ()
            to_do += [*held]
            if isinstance(thing, dict):
                to_do += [*thing, *thing.values()]
            elif isinstance(thing, list | tuple | set | frozenset):
                to_do += [*thing]
        assert len(seen) > 100

    on_stage(work, task=task)


# --- evaluate -------------------------------------------------------------------------------


def test_an_evaluation_is_on_the_whole_validation_split_in_order() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        found = await search.evaluate(search.seed_prompts[0])
        assert [r.example for r in found.rollouts] == list(search.task.validation)
        assert found.mean == 1
        assert search.best == found
        assert search.solved
        assert found.counts() == {"right": 20, "wrong": 0, "malformed": 0, "error": 0}
        assert found.to_dict()["tokens"] == 20 * 11

    on_stage(work)


def test_what_is_refused_scores_0_and_is_told_apart() -> None:
    errors = {"x20": ContentFilterError("refused"), "x21": ContextLengthError("too long")}
    answers = {"x22": "?", "x23": "wrong"}

    def answer(messages: list[str], _: int) -> str | ModelError:
        last = messages[-1]
        return errors.get(last) or answers.get(last, last)

    async def work(stage: Stage) -> None:
        found = await stage.search.evaluate(stage.search.seed_prompts[0])
        assert [*found.counts().values()] == [16, 1, 1, 0, 2]  # None is an error, two are refused.
        assert found.value == found.mean == found.at_least == pytest.approx(16 / 20)
        assert [r.error for r in found.rollouts[:3]] == [
            "ContentFilterError: refused", "ContextLengthError: too long", "",
        ]  # fmt: skip
        assert [r.outcome for r in found.rollouts[:4]] == [
            "refused", "refused", "malformed", "wrong",
        ]  # fmt: skip
        assert [r.example.target for r in found.failures] == ["x22", "x23"]
        assert (len(found.answered), len(found.scored)) == (18, 20)
        assert not stage.search.solved

    on_stage(work, answers=answer)


def test_nothing_is_solved_while_an_example_has_no_answer() -> None:
    def answer(messages: list[str], _: int) -> str | ModelError:
        return ContentFilterError("!") if messages[-1] == "x20" else messages[-1]

    async def work(stage: Stage) -> None:
        found = await stage.search.evaluate(stage.search.seed_prompts[0])
        assert found.mean == pytest.approx(19 / 20)
        assert not stage.search.solved

    on_stage(work, answers=answer)


def test_a_prompt_without_any_answer() -> None:
    async def work(stage: Stage) -> None:
        found = await stage.search.evaluate(stage.search.seed_prompts[0])
        assert (found.mean, found.answered, found.failures) == (0.0, (), ())
        assert stage.search.best == found

    on_stage(work, answers=lambda _, __: ContentFilterError("!"))


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (ValueError("oh"), "ValueError: oh"),
        (Score(float("nan")), "value=nan"),
        (Score(2.0), r"value=2\.0"),
        (Score(-0.1), r"value=-0\.1"),
        (Score("0.5"), "value='0.5'"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (a user may)
        (Score(None), "value=None"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (a user may)
        (1.0, r"1\.0"),
        (None, "None"),
    ],
)
def test_a_broken_scorer_ends_the_search_and_names_the_example(result: Any, words: str) -> None:
    task = fake_task(2)
    broken = task.validation[1]

    def score(_: str, example: Example) -> Score:
        if example != broken:
            return Score(1.0)
        if isinstance(result, Exception):
            raise result
        score: Score = result
        return score

    async def work(stage: Stage) -> None:
        with pytest.raises(TaskError, match=words) as caught:
            await stage.search.evaluate(stage.search.seed_prompts[0])
        assert broken.id in str(caught.value)
        assert "'x3'" in str(caught.value)
        assert stage.events("evaluation") == []

    on_stage(work, task=replace(task, scorer=score))


def test_an_answer_once_given_is_not_asked_for_again() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        examples = search.task.validation
        first = await search.evaluate(search.seed_prompts[0], examples[:5])
        whole = await search.evaluate(search.seed_prompts[0])
        assert whole.rollouts[:5] == first.rollouts
        assert len(stage.task_model.asked) == len(examples) == stage.caller.meter.spent.calls

    on_stage(work, max_calls=20)


def test_a_batch_that_would_overspend_makes_no_call() -> None:
    async def work(stage: Stage) -> None:
        with pytest.raises(BudgetExhausted):
            await stage.search.evaluate(stage.search.seed_prompts[0])
        assert stage.task_model.asked == []
        await stage.search.evaluate(stage.search.seed_prompts[0], stage.search.task.train[:19])

    on_stage(work, max_calls=19)


def test_a_model_that_gives_up_stops_the_evaluation_after_the_rest_is_kept() -> None:
    def answer(messages: list[str], _: int) -> str | ModelError:
        return RateLimitError("busy") if messages[-1] == "x20" else messages[-1]

    async def work(stage: Stage) -> None:
        with pytest.raises(ModelUnavailable, match="2 attempts"):
            await stage.search.evaluate(stage.search.seed_prompts[0])
        assert stage.caller.meter.spent.calls == 19
        assert stage.search.best is None

    on_stage(work, answers=answer)


def test_a_wrong_key_is_no_stop() -> None:
    async def work(stage: Stage) -> None:
        with pytest.raises(AuthenticationError):
            await stage.search.evaluate(stage.search.seed_prompts[0])
        await stage.caller.abandon()

    on_stage(work, answers=lambda _, __: AuthenticationError("key"))


def test_an_unknown_prompt_is_held_to_the_contract() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(Prompt("Given by the optimizer."), [])
        candidates = stage.events("candidate")
        assert [event.body["operator"] for event in candidates] == ["seed", "given"]
        with pytest.raises(PromptError, match="the user turn or the context was changed"):
            await search.evaluate(Prompt("x", template="other {{input}}"))
        assert search.n_candidates == 2

    on_stage(work)


def test_measured_in_part_is_no_best() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0], search.task.validation)
        await search.evaluate(search.seed_prompts[0], search.minibatch(5))
        await search.evaluate(search.seed_prompts[0], [])
        assert search.best is None
        figures = [event.body for event in stage.events("evaluation")]
        assert [(body["whole"], body["n"]) for body in figures] == [
            (False, 20), (False, 5), (False, 0),
        ]  # fmt: skip

    on_stage(work)


def test_heats_that_hold_those_before_them_count_each_example_once() -> None:
    async def work(stage: Stage) -> None:
        search, rows = stage.search, stage.search.task.validation
        prompt = search.seed_prompts[0].with_instruction("++")
        search.accept([prompt], operator="given")
        for n in (1, 2, 4, 4):
            assert len((await search.evaluate(prompt, rows[:n])).rollouts) == n
        new = [event.body.get("new", event.body) for event in stage.events("evaluation")]
        assert [(body["n"], body["right"]) for body in new] == [(1, 1), (1, 1), (2, 0), (0, 0)]
        assert search.n_raced == 1
        await search.evaluate(prompt)
        assert search.n_raced == 0

    on_stage(work, answers=plus)


def plus(messages: list[str], _: int) -> str:
    """Right on as many of the 20 examples as the prompt has '+'."""
    return messages[-1] if int(messages[-1][1:]) - 20 < "".join(messages).count("+") else "?"


@pytest.mark.parametrize(
    ("instructions", "winner"),
    [
        (["++", "+++", "+"], "+++"),
        (["++ longer", "++"], "++"),
        (["++", "++ longer"], "++"),
        (["++b", "++a"], "id"),
        (["++a", "++b"], "id"),
    ],
)
def test_the_best_and_its_ties(instructions: list[str], winner: str) -> None:
    """The higher mean; then the shorter text; then the id, whatever the order."""

    async def work(stage: Stage) -> None:
        search = stage.search
        prompts = search.accept(map(Prompt, instructions), operator="x")
        await search.map(search.evaluate, prompts)
        assert search.best is not None
        expected = max(p.id for p in prompts) if winner == "id" else Prompt(winner).id
        assert search.best.prompt.id == expected

    on_stage(work, answers=plus)


def test_evaluations_are_noted_once_each() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        prompts = search.accept([Prompt("+"), Prompt("++")], operator="x")
        await search.map(search.evaluate, prompts)
        await search.evaluate(prompts[0], search.task.train[:3])
        bodies = [event.body for event in stage.events("evaluation")]
        assert [body["candidate"] for body in bodies] == [
            prompts[0].id, prompts[1].id, prompts[0].id,
        ]  # fmt: skip
        assert bodies[0]["calls"] <= bodies[1]["calls"] == 40
        assert bodies[2] == {
            "candidate": prompts[0].id, "whole": False, "calls": 43, "usd": None,
            "n": 3, "value": 1.0, "at_least": 1.0, "mean": 1.0, "right": 3, "wrong": 0,
            "malformed": 0, "error": 0, "tokens": 33,
        }  # fmt: skip

    on_stage(work, answers=plus)


# --- finalists ------------------------------------------------------------------------------


def test_finalists_are_measured_from_the_best_looking_while_they_look_better() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        prompts = search.accept([Prompt(f"{'+' * n} p") for n in (4, 8, 12)], operator="x")
        await search.evaluate(search.seed_prompts[0])
        for prompt in prompts:
            await search.evaluate(prompt, search.task.validation[3:13])
        await search.measure_finalists()
        whole = [e.body["candidate"] for e in stage.events("evaluation") if e.body["whole"]]
        assert whole == [search.seed_prompts[0].id, prompts[2].id]
        assert search.best is not None
        assert search.best.prompt == prompts[2]

    on_stage(work, answers=plus)


def test_one_measurement_is_held_back_until_one_is_made() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        await search.evaluate(search.seed_prompts[0])
        search.keep_for_finalist()
        (prompt,) = search.accept([Prompt("+++")], operator="x")
        await search.evaluate(prompt, search.task.train[:10])
        with pytest.raises(BudgetExhausted):
            await search.evaluate(prompt, search.task.train[10:])
        await search.measure_finalists()
        assert search.best is not None
        assert search.best.prompt == prompt
        assert stage.caller.meter.spent.calls == 50

    on_stage(work, answers=plus, max_calls=50)


# --- minibatches and places -----------------------------------------------------------------


def test_minibatches_are_drawn_from_train_without_replacement() -> None:
    async def work(stage: Stage) -> None:
        search, train = stage.search, set(stage.search.task.train)
        batch = search.minibatch(7)
        assert len(batch) == len(set(batch)) == 7
        assert set(batch) < train
        assert search.minibatch(0) == ()
        for size in (20, 21, 10**9):
            assert set(search.minibatch(size)) == train
            assert len(search.minibatch(size)) == 20
        assert search.minibatch(7) != batch

    on_stage(work)


def test_random_streams_follow_the_place_and_the_seed() -> None:
    def draws(seed: int, order: list[int]) -> list[list[float]]:
        found: list[list[float]] = []

        async def work(stage: Stage) -> None:
            gates = [asyncio.Event() for _ in range(3)]

            async def draw(item: int) -> float:
                await gates[item].wait()
                return stage.search.rng.random()

            async def open_gates() -> None:
                for place in order:
                    gates[place].set()
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)

            opening = asyncio.create_task(open_gates())
            found.append(await stage.search.map(draw, range(3)))
            found.append(await stage.search.map(draw, range(3)))
            found.append([stage.search.rng.random()])
            await opening

        on_stage(work, seed=seed)
        return found

    expected = draws(0, [0, 1, 2])
    assert draws(0, [2, 1, 0]) == expected
    assert len({number for row in expected for number in row}) == 7
    assert draws(1, [0, 1, 2]) != expected


def test_branches_of_branches_have_streams_of_their_own() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search

        async def inner(_: int) -> float:
            return search.rng.random()

        async def outer(_: int) -> list[float]:
            return [search.rng.random(), *await search.map(inner, range(2)), search.rng.random()]

        rows = await search.map(outer, range(3))
        numbers = [number for row in rows for number in row]
        assert len(set(numbers)) == len(numbers) == 12

    on_stage(work)


def test_a_map_keeps_order_and_finishes_what_was_paid_before_it_stops() -> None:
    async def work(stage: Stage) -> None:
        done: list[int] = []

        async def one(item: int) -> int:
            if item == 1:
                raise BudgetExhausted("over")
            for _ in range(item):
                await asyncio.sleep(0)
            done.append(item)
            return item

        assert await stage.search.map(one, [3, 0, 2]) == [3, 0, 2]
        done.clear()
        with pytest.raises(BudgetExhausted, match="over"):
            await stage.search.map(one, [3, 1, 0, 2])
        assert sorted(done) == [0, 2, 3]
        assert await stage.search.map(one, []) == []

    on_stage(work)


def test_a_map_ends_at_once_at_any_other_error() -> None:
    async def work(stage: Stage) -> None:
        done: list[int] = []

        async def one(item: int) -> None:
            if item == 1:
                raise KeyError("bug")
            await asyncio.Event().wait()
            done.append(item)

        with pytest.raises(KeyError):
            await stage.search.map(one, [0, 1, 2])
        assert done == []

    on_stage(work)


# --- proposals ------------------------------------------------------------------------------


def tag(text: str) -> str:
    return f"Well:\n<instruction>\n{text}\n</instruction>"


def test_proposals_are_parsed_recorded_and_keep_their_lineage() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        parent = search.seed_prompts[0].with_demos((Demo("q", "a"),))
        search.accept([parent], operator="demos", parents=search.seed_prompts)
        metas = [MetaPrompt("improve", "write", (parent,)), MetaPrompt("induce", "explain")]
        found = await search.propose(metas, 2)
        seed = search.seed_prompts[0]
        assert found == [
            parent.with_instruction("A"), parent.with_instruction("B"),
            seed.with_instruction("C"), seed.with_instruction("D"),
        ]  # fmt: skip
        bodies = [event.body for event in stage.events("candidate")]
        assert [(b["operator"], b["parents"]) for b in bodies] == [
            ("seed", []), ("demos", [seed.id]), ("improve", [parent.id]), ("improve", [parent.id]),
            ("induce", []), ("induce", []),
        ]  # fmt: skip
        assert Prompt.from_dict(bodies[2]["prompt"]) == found[0]
        assert [messages[0] for messages in stage.writer.asked] == ["write"] * 2 + ["explain"] * 2
        assert len({request.seed for request in stage.writer.requests}) == 4
        assert {request.decoding.temperature for request in stage.writer.requests} == {1.0}

    on_stage(work, writer=says(*map(tag, "ABCD")))


def test_an_untagged_reply_is_asked_for_once_more_and_then_recorded() -> None:
    async def work(stage: Stage) -> None:
        found = await stage.search.propose([MetaPrompt("improve", "write")], 3)
        assert [prompt.instruction for prompt in found] == ["A", "B"]
        assert len(stage.writer.asked) == 5
        (event,) = stage.events("refused")
        assert event.body["text"] == "raw again"
        assert event.body["reason"] == "the reply has no <instruction> tags"
        assert event.body["operator"] == "improve"
        assert stage.caller.meter.spent.calls == 5

    # The second and third fail; of their second tries, the third's fails too.
    writer = says(tag("A"), "raw", "<instruction></instruction>", tag("B"), "raw again")
    on_stage(work, writer=writer)


def test_a_draft_in_thinking_that_never_ended_is_no_proposal() -> None:
    async def work(stage: Stage) -> None:
        assert await stage.search.propose([MetaPrompt("improve", "write")]) == []
        assert stage.reasons == [
            "the reply was cut before it said anything, perhaps while it was thinking"
        ]

    thinking = f"<think>\nA first try is {tag('Sort.')} but that is"
    on_stage(work, writer=says(thinking, thinking))


def test_tags_of_a_prompt_come_back_from_the_writer() -> None:
    async def work(stage: Stage) -> None:
        search = stage.search
        seed = search.seed_prompts[0].with_instruction("Put it in <answer></answer>.")
        search.accept([seed], operator="given")
        meta = search.meta_prompt("x", "mine", parents=[seed], prompt=seed)
        assert "<answer>" not in meta.text
        [new] = await search.propose([meta])
        assert new.instruction == "Put the word in <answer></answer>, as XML: <b>."

    reply = tag("Put the word in &lt;answer&gt;&lt;/answer&gt;, as XML: <b>.")
    text = "{{ prompt.instruction }}"
    on_stage(work, writer=says(reply), meta_prompts={"mine": text})


def test_a_refused_meta_prompt_counts_as_a_reply_that_cannot_be_parsed() -> None:
    async def work(stage: Stage) -> None:
        meta = MetaPrompt("improve", "write", stage.search.seed_prompts)
        assert await stage.search.propose([meta]) == []
        (event,) = stage.events("refused")
        assert event.body["text"] == ""
        assert event.body["parents"] == [stage.search.seed_prompts[0].id]

    on_stage(work, writer=says(ContentFilterError("!"), ContextLengthError("!")))


def test_duplicates_and_refusals_are_recorded_and_not_returned() -> None:
    async def work(stage: Stage) -> None:
        found = await stage.search.propose([MetaPrompt("improve", "write")], 5)
        assert [prompt.instruction for prompt in found] == ["New."]
        reasons = ["seen before", "seen before", "holds the variable {{input}}", "over the limit"]
        assert all(part in reason for part, reason in zip(reasons, stage.reasons, strict=True))
        texts = [event.body["text"] for event in stage.events("refused")]
        assert texts == ["New.", "Answer", "Read {{input}}", "x" * 51]
        assert stage.search.n_candidates == 2

    replies = [tag(text) for text in ("New.", "New.", "Answer", "Read {{input}}", "x" * 51)]
    on_stage(work, writer=says(*replies), max_chars=50)


def test_proposals_that_the_budget_cannot_pay_are_not_asked_for() -> None:
    async def work(stage: Stage) -> None:
        with pytest.raises(BudgetExhausted):
            await stage.search.propose([MetaPrompt("a", "b")], 4)
        assert stage.writer.asked == []

    on_stage(work, max_calls=3)


def test_generate_gives_texts_of_any_tag_in_order() -> None:
    async def work(stage: Stage) -> None:
        metas = [MetaPrompt("a", "1"), MetaPrompt("b", "2"), MetaPrompt("c", "3")]
        found = await stage.search.generate(metas, tag="reason", temperature=0.5)
        assert found == [["why"], [], ["so"]]
        assert await stage.search.generate([]) == []

    replies = ["<reason>why</reason>", "none", "<reason>so</reason>", tag("none again")]
    on_stage(work, writer=says(*replies))


def test_meta_prompts_know_the_task_and_show_inputs_as_the_seed_does() -> None:
    task = replace(fake_task(), description="Say it again.", seed_prompts=(
        Prompt("Do.", template="In: {{input}}"),))  # fmt: skip

    async def work(stage: Stage) -> None:
        search = stage.search
        example = Example({"input": "{{input}} </input>"}, ("a",))
        meta = search.meta_prompt("x", "mine", examples=[example], parents=search.seed_prompts)
        assert meta == MetaPrompt(
            "mine", "Say it again.|In: {{input}} &lt;/input&gt;", search.seed_prompts
        )
        assert search.shown(example) == "In: {{input}} </input>"

    text = "{{ task.description }}|{{ shown(examples[0]) }}"
    on_stage(work, task=task, meta_prompts={"mine": text})


# --- figures --------------------------------------------------------------------------------


def test_the_mean_is_of_scores_and_a_partial_score_is_a_failure() -> None:
    examples = fake_task().train
    scores = [Score(1.0), Score(0.5), Score(0.0, well_formed=False), None]
    rollouts = [Rollout(e, "", s, "" if s else "!") for e, s in zip(examples, scores, strict=False)]
    found = Evaluation(Prompt("x"), tuple(rollouts))
    assert found.mean == 0.5
    assert found.counts() == {"right": 1, "wrong": 1, "malformed": 1, "error": 1}
    assert found.failures == tuple(rollouts[1:3])
