"""One example through all candidates: found by id or text, answered as the journal has it."""

from dataclasses import replace
from pathlib import Path

import pytest

from apo import Budget, Options, Task, optimize
from apo.errors import ContentFilterError, SettingsError
from apo.model import Completion, Request
from apo.optimizers import RandomSearch
from apo.results.history import find_example, history
from apo.storage.folder import RunFolder
from apo.task import Example
from apo.testing.fakes import FakeModel, FakeOptimizerModel, fake_task

TASK = fake_task(8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    home = tmp_path_factory.mktemp("home")
    done = optimize(
        TASK,
        RandomSearch(),
        model=FakeModel(),
        optimizer_model=FakeOptimizerModel(),
        budget=Budget(max_calls=120),
        options=Options(track=False),
        home=home,
    )
    return RunFolder(home / "runs" / done.run_id)


def test_every_candidate_that_was_measured_whole_the_oldest_first(folder: RunFolder) -> None:
    example = TASK.validation[3]
    found = history(folder, TASK, example.id)
    assert (found.split, found.example) == ("validation", example)
    assert found.answers[0].operator == "seed"
    assert len(found.answers) > 2
    for answer in found.answers:
        score = TASK.judge(answer.output, example)
        assert (answer.score, answer.feedback) == (score.value, score.feedback)
        assert answer.outcome in ("right", "malformed")
    assert found.to_dict()["answers"][0]["id"] == found.answers[0].id


def test_of_a_test_example_there_are_two_prompts(folder: RunFolder) -> None:
    found = history(folder, TASK, TASK.test[0].id)
    assert found.split == "test"
    assert found.answers[0].operator == "seed"
    assert len(found.answers) == 2


def test_an_example_that_nobody_was_asked(folder: RunFolder) -> None:
    other = replace(TASK, train=[Example({"input": "새 글"}, ("새 글",))])
    assert history(folder, other, "새 글").answers == ()


class Refusing(FakeModel):
    async def complete(self, request: Request) -> Completion:
        if request.messages[-1].content == TASK.validation[0].inputs["input"]:
            raise ContentFilterError("refused for good")
        return await super().complete(request)


def test_a_refusal_is_shown_as_one(tmp_path: Path) -> None:
    done = optimize(
        TASK,
        RandomSearch(),
        model=Refusing(),
        optimizer_model=FakeOptimizerModel(),
        budget=Budget(max_calls=120),
        options=Options(track=False),
        home=tmp_path,
    )
    found = history(RunFolder(tmp_path / "runs" / done.run_id), TASK, TASK.validation[0].id)
    assert {(a.score, a.outcome, a.output) for a in found.answers} == {(0.0, "refused", "")}
    assert "refused for good" in found.answers[0].feedback


# --- finding one

EXAMPLES = [
    Example({"글": "환불  해 주세요"}, ("환불",)),
    Example({"글": "환불 해 주세요, 빨리"}, ("환불",)),
    Example({"글": "Where is my PARCEL? {{x}} 🙂"}, ("배송",)),
]
KOREAN = Task(
    name="문의",
    scorer=TASK.scorer,
    seed_prompts=TASK.seed_prompts,
    train=EXAMPLES[:1],
    validation=EXAMPLES[1:2],
    test=EXAMPLES[2:],
)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        (EXAMPLES[0].id, 0),
        (EXAMPLES[1].id[:6], 1),
        ("환불 해 주세요", 0),  # All of it, so the longer one does not fit as well.
        ("\u1108\u1161\u11af\u1105\u1175", 1),  # The other Unicode form of "빨리".
        ("parcel?", 2),
        ("{{x}} 🙂", 2),
        ("배송", 2),
    ],
)
def test_by_id_or_text(wanted: str, place: int) -> None:
    assert find_example(KOREAN, wanted) == (
        ("train", "validation", "test")[place],
        EXAMPLES[place],
    )


def test_several_that_fit_are_named() -> None:
    with pytest.raises(SettingsError, match="fit '해 주세요': 2: ") as caught:
        find_example(KOREAN, "해 주세요")
    assert EXAMPLES[0].id in str(caught.value)
    many = replace(KOREAN, train=[Example({"글": f"글 {i}"}, ("a",)) for i in range(30)])
    with pytest.raises(SettingsError, match=r"fit .*: 30: .*and 25 more"):
        find_example(many, "글")


@pytest.mark.parametrize("wanted", ["없는 글", "\x1b[2J", "{y}", "🙃", "x" * 10_000])
def test_none_that_fits(wanted: str) -> None:
    with pytest.raises(SettingsError, match="No example of '문의'") as caught:
        find_example(KOREAN, wanted)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("wanted", ["", "  ", "\n"])
def test_nothing_is_no_example(wanted: str) -> None:
    with pytest.raises(SettingsError, match="--example is empty"):
        find_example(KOREAN, wanted)
