"""SPO (Xiang et al., 2025): one modification at a time, kept when a judge prefers its outputs."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from apo import Completion, Example, Options, Prompt, Request, Rollout, Usage, aoptimize
from apo.optimizers.spo import SPO, vote
from apo.prompts.meta_prompts import render
from apo.storage.folder import find_run
from apo.testing import fake_task
from tests.fidelity.conftest import Run, Seen, tagged

MODULE = str(Path(__file__).parents[2] / "optimizers" / "spo.py")
ANSWER = re.compile(r'<answer name="([AB])">\n(.*?)\n</answer>', re.DOTALL)


def is_judge(text: str) -> bool:
    return "<choice>" in text


def new_side(text: str) -> str:
    """The side whose answers are right, where a perfect prompt stands against a useless one."""
    sides = {str(side) for side, said in ANSWER.findall(text) if said != "no"}
    assert len(sides) == 1
    return sides.pop()


def other(side: str) -> str:
    return "B" if side == "A" else "A"


def voting(votes: str) -> Callable[[int, str], str]:
    """Judges by a script: n for the new set, o for the old one, ? for what nobody can read."""
    cast: list[str] = []

    def reply(n: int, text: str) -> str:
        if not is_judge(text):
            return tagged("+" * 10 + f" new {n}")
        ballot = votes[len(cast) % len(votes)]
        cast.append(ballot)
        side = {"n": new_side(text), "o": other(new_side(text)), "?": "both"}[ballot]
        return f"Set {other(side)} is longer.\n<choice>{side}</choice>"

    return reply


def kept(seen: Seen) -> set[str]:
    """The prompts that were measured on validation, as the kept ones are."""
    return {name for name in seen.instructions if len(seen.asked_for(name)) > 3} - {"Seed"}


@pytest.mark.parametrize(
    ("votes", "accepted"),
    [
        ("nnnn", True),  # Guards against the inverted verdict of the authors' head.
        ("oooo", False),
        ("nnno", True),
        ("nnoo", False),  # 2-2 keeps the old one.
        ("onno", False),
        ("nooo", False),
        ("n???", True),  # What cannot be read counts for nobody …
        ("o???", False),
        ("no??", False),
        ("????", False),  # … and is no success.
    ],
)
def test_the_new_one_must_win_strictly_more_votes(votes: str, accepted: bool, run: Run) -> None:
    seen = run(SPO(n_rounds=2), voting(votes))
    assert kept(seen) == ({"++++++++++ new 0"} if accepted else set())


@pytest.mark.parametrize(
    ("choice", "new_is_a", "expected"),
    [
        ("A", True, 1), ("A", False, -1), ("B", True, -1), ("B", False, 1), (" b. ", False, 1),
        ("**A**", True, 1), ("Set A", True, 1), ("세트 B", True, -1),
        ("A or B", True, 0), ("AB", True, 0), ("", False, 0), ("C", True, 0),
    ],
)  # fmt: skip
def test_a_vote_is_for_the_chosen_side(choice: str, new_is_a: bool, expected: int) -> None:
    assert vote(choice, new_is_a=new_is_a) == expected


@pytest.mark.parametrize(("rounds", "questions", "votes"), [(1, 3, 4), (2, 3, 4), (5, 2, 3)])
def test_number_of_calls(rounds: int, questions: int, votes: int, run: Run) -> None:
    """k for the seed; then in each round one rewrite, k answers and the votes."""
    optimizer = SPO(n_rounds=rounds, n_questions=questions, n_votes=votes)
    seen = run(optimizer, voting("o"))  # Nothing is kept, so nothing is measured.
    assert len(seen.writer.texts) == (rounds - 1) * (1 + votes)
    assert len(seen.reader.asked) == 10 + questions * rounds


def test_every_prompt_answers_the_same_questions(run: Run) -> None:
    seen = run(SPO(n_rounds=4), voting("o"))
    asked = [seen.asked_for(name)[-3:] for name in seen.instructions]
    assert len(asked) == 4
    assert asked == [asked[0]] * 4
    train = {example.inputs["input"] for example in seen.task.train}
    assert set(asked[0]) <= train
    assert len(set(asked[0])) == 3


def test_the_judge_sees_both_sets_in_random_order(run: Run) -> None:
    seen = run(SPO(n_rounds=4, n_votes=10), voting("o"))
    judged = [text for text in seen.writer.texts if is_judge(text)]
    sides = [new_side(text) for text in judged]
    assert 5 <= sides.count("A") <= 25
    for text in judged:
        shown = ANSWER.findall(text)
        assert [side for side, _ in shown] == ["A"] * 3 + ["B"] * 3
    again = run(SPO(n_rounds=4, n_votes=10), voting("o"))
    assert [new_side(text) for text in again.writer.texts if is_judge(text)] == sides


def right_answers_win(n: int, text: str) -> str:
    """The first rewrite is always right, those after it never are."""
    if is_judge(text):
        return f"<choice>{new_side(text)}</choice>"
    return tagged("+" * (10 if n == 0 else 0) + f" new {n}")


def test_the_rewrite_starts_from_the_best_and_its_outputs(run: Run) -> None:
    seen = run(SPO(n_rounds=3), right_answers_win)
    first, second = [text for text in seen.writer.texts if not is_judge(text)]
    assert "<candidate>\nSeed\n</candidate>" in first
    assert first.count("<answer>\nno\n</answer>") == 3
    assert "<candidate>\n++++++++++ new 0\n</candidate>" in second
    assert "<answer>\nno\n</answer>" not in second
    assert second.count("<candidate>") == 1


def test_only_kept_prompts_are_measured_on_validation(run: Run) -> None:
    seen = run(SPO(n_rounds=4), right_answers_win)
    whole = [event.body["candidate"] for event in seen.evaluations(whole=True)]
    assert len(whole) == 2  # The seed and the first rewrite.
    assert seen.evaluations(whole=False) == []  # Answers to questions are nobody's score.


def test_a_reply_that_brings_nothing_new_is_not_run(run: Run) -> None:
    replies = ["raw", "raw", tagged("Seed")]
    seen = run(SPO(n_rounds=3), lambda n, _: replies[n])
    assert len(seen.writer.texts) == 3
    assert seen.instructions == ["Seed"]


@dataclass
class Keeps:
    """A model that keeps its requests."""

    reply: Callable[[int, str], str]
    name: str = "keeps"
    requests: list[Request] = field(default_factory=list[Request])

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        text = self.reply(len(self.requests), request.messages[-1].content)
        return Completion(text=text, usage=Usage(input_tokens=1, output_tokens=1))

    async def aclose(self) -> None:
        pass


def keep(tmp_path: Path, target: Callable[[Example], str]) -> tuple[Keeps, Keeps, set[str]]:
    """Run SPO on a task with the given targets; gives both models and the kept prompts."""
    task = replace(fake_task(10), test=())
    train, validation = (
        [replace(example, targets=(target(example),)) for example in pool]
        for pool in (task.train, task.validation)
    )
    reader = Keeps(lambda _, last: f"an answer to {last}")
    writer = Keeps(
        lambda n, text: "<choice>A</choice>" if is_judge(text) else tagged(f"Try number {n}")
    )
    run = aoptimize(
        replace(task, train=train, validation=validation),
        SPO(n_rounds=6),
        model=reader,
        optimizer_model=writer,
        options=Options(track=False, max_concurrency=1),
        home=tmp_path,
    )
    result = asyncio.run(run)
    with find_run(result.run_id, tmp_path).open_journal() as journal:
        whole = {str(e.body["candidate"]) for e in journal.events() if e.kind == "evaluation"}
    return reader, writer, whole


def test_no_label_enters_a_meta_prompt_and_no_decision(tmp_path: Path) -> None:
    one = keep(tmp_path / "one", lambda e: f"SECRET{e.inputs['input']}")
    other = keep(tmp_path / "other", lambda e: f"an answer to {e.inputs['input']}")  # All right.
    for _, writer, _ in (one, other):
        texts = [message.content for r in writer.requests for message in r.messages]
        assert len(texts) == 5 * (1 + 4)
        assert not any("SECRET" in text or "<output>" in text for text in texts)
    assert one[1].requests == other[1].requests
    assert [len(reader.requests) for reader in (one[0], other[0])] == [len(one[0].requests)] * 2
    assert one[2] == other[2]
    assert len(one[2]) > 1


def test_temperatures_are_the_authors(tmp_path: Path) -> None:
    reader, writer, _ = keep(tmp_path, lambda e: e.inputs["input"])
    for request in writer.requests:
        judge = is_judge(request.messages[-1].content)
        assert request.decoding.temperature == (0.3 if judge else 0.7)
    assert {r.decoding.temperature for r in reader.requests} >= {0.0}
    assert (SPO().n_rounds, SPO().n_questions, SPO().n_votes) == (10, 3, 4)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_meta_prompts_show_the_same_in_both_languages(language: str) -> None:
    def shown(example: Example) -> str:
        return example.inputs["input"]

    class Outputs:
        def __init__(self, name: str) -> None:
            examples = [Example({"input": f"in{i}"}, (f"gold{i}",)) for i in range(2)]
            self.rollouts = [Rollout(e, f"{name}{i}", None) for i, e in enumerate(examples)]

    task = replace(fake_task(), labels=("yes", "no"))
    values: dict[str, Any] = {"task": task, "shown": shown, "requirements": "be kind"}
    judge = render(MODULE, "spo_judge", language, {}, a=Outputs("p"), b=Outputs("q"), **values)
    parts = ["be kind", "yes, no", "in0", "p0", "in1", "p1", "in0", "q0", "in1", "q1"]
    assert re.findall(r"\n((?:be kind|yes, no|\w+\d))\n", judge) == parts
    assert judge.count("<choice>") == judge.count("</choice>") == 1
    prompt = Prompt("now1")
    text = render(MODULE, "spo_optimize", language, {}, prompt=prompt, best=Outputs("p"), **values)
    parts = ["be kind", "yes, no", "now1", "in0", "p0", "in1", "p1"]
    assert re.findall(r"\n((?:be kind|yes, no|\w+\d))\n", text) == parts
    assert text.count("<instruction>") == 1
    assert "gold" not in judge + text
    assert bool(re.search("[가-힣]", judge + text)) == (language == "ko")


def test_requirements_are_the_users_or_the_tasks(run: Run) -> None:
    own = run(SPO(n_rounds=2, requirements="Speak softly."), voting("o"))
    assert all("<task>\nSpeak softly.\n</task>" in text for text in own.writer.texts)
    default = run(SPO(n_rounds=2), voting("o"))
    assert all("<task>\nRepeat the word.\n\nSeed\n</task>" in t for t in default.writer.texts)
