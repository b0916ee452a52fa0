"""Sets of labels: all of them are right together, in whatever form they are listed."""

import pytest

from apo.errors import TaskError
from apo.reading.lists import written_list
from apo.scorers.label_set import LabelSet
from apo.task import Example

LABELS = ("urgent", "bug", "feature request")
SCORER = LabelSet(labels=LABELS)
EXAMPLE = Example({"x": "a"}, ('["urgent", "bug"]',))


@pytest.mark.parametrize(
    "answer",
    [
        "urgent, bug",
        "Bug; URGENT",
        "urgent|bug",
        '["bug", "urgent"]',
        "['urgent', 'bug']",
        "['urgent' 'bug']",
        "The tags are urgent and bug.",
        "Sure!\nurgent, bug",
        "Here they are:\n- urgent\n- bug\nAnything else?",
        "It may be a feature request. <answer>bug, urgent</answer>",
        '```json\n{"tags": ["urgent", "bug"]}\n```',
        "Tags\n1. Urgent\n2. Bug",
    ],
)
def test_the_same_set_is_right_in_any_form(answer: str) -> None:
    assert SCORER(answer, EXAMPLE).value == 1


@pytest.mark.parametrize(
    ("answer", "f1", "jaccard", "said"),
    [
        ("urgent", 2 / 3, 1 / 2, "Missing: 'bug'."),
        ("urgent, feature request", 1 / 2, 1 / 3, "Missing: 'bug'. Not asked for: 'feature"),
        ("urgent, bug, slow", 4 / 5, 2 / 3, "Not asked for: 'slow'."),
        ("none", 0, 0, "Missing: 'urgent', 'bug'."),
    ],
)
def test_scores_of_sets_that_differ(answer: str, f1: float, jaccard: float, said: str) -> None:
    for how, value in {"f1": f1, "jaccard": jaccard, "exact": 0.0}.items():
        score = LabelSet(labels=LABELS, score=how)(answer, EXAMPLE)
        assert score.value == pytest.approx(value)
        assert score.well_formed
        assert score.feedback.startswith(said)


@pytest.mark.parametrize("answer", ["", "I cannot tell.", "slow"])
def test_an_answer_without_labels_is_not_well_formed(answer: str) -> None:
    assert not SCORER(answer, EXAMPLE).well_formed


@pytest.mark.parametrize("answer", ["[]", "None", "없음"])
def test_the_empty_set_is_an_answer(answer: str) -> None:
    assert SCORER(answer, Example({"x": "a"}, ("[]",))).value == 1


@pytest.mark.parametrize("target", ["urgent; bug", "urgent|bug", "bug", "['bug', 'urgent']"])
def test_targets_of_any_form_are_their_own_best_answer(target: str) -> None:
    assert SCORER(target, Example({"x": "a"}, (target,))).value == 1


def test_a_target_with_another_label_is_told() -> None:
    score = SCORER("urgent; bugg", Example({"x": "a"}, ("urgent; bugg",)))
    assert (score.value, score.feedback) == (0, "'bugg' is none of the labels.")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": LABELS, "score": "f2"}, "label_set.score is 'f2'. Did you mean 'f1'"),
        ({"labels": ("a",)}, "at least two labels"),
        ({"labels": ("a", "A")}, "ignore_case: false"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        LabelSet(**settings)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] (tested)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a', \"it's\"]", ["a", "it's"]),
        ("['a' 'b, c'\n 'd']", ["a", "b, c", "d"]),
        ("[]", []),
        ("[1, 2]", None),
        ("[a, b]", None),
        ("['a'] and ['b']", None),
        ("a; b", None),
    ],
)
def test_lists_as_programs_write_them(text: str, items: list[str] | None) -> None:
    assert written_list(text) == items


@pytest.mark.parametrize(
    "output",
    [
        "[x] urgent\n[x] bug\n[ ] question",
        "- [x] urgent\n- [X] **bug**\n- [ ] question",
        "✅ urgent\n✅ bug\n❌ question",
        "☑️ urgent\n☐ question\n☑️ bug",
        "Here is my list:\n\nurgent: yes\nbug: Yes\nquestion: no",
        "**urgent**: yes (angry)\n**bug**: true\n**question**: false",
        '{"urgent": true, "bug": true, "question": false}',
        '{"labels": {"urgent": "yes", "question": "no", "bug": "yes"}}',
        "<label>urgent</label><label>bug</label>",
        "ｕｒｇｅｎｔ, b\u200bug",
    ],
)
def test_of_a_checklist_only_what_is_ticked_is_given(output: str) -> None:
    scorer = LabelSet(labels=("urgent", "bug", "question"))
    assert scorer(output, Example({"x": "y"}, ('["urgent", "bug"]',))).value == 1
    assert scorer(output, Example({"x": "y"}, ('["question"]',))).value == 0


def test_a_checklist_without_a_tick_is_the_empty_set() -> None:
    scorer = LabelSet(labels=("urgent", "bug"))
    assert scorer.find("[ ] urgent\n[ ] bug") == ()
    assert scorer.find('{"urgent": false, "bug": false}') == ()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Health, Safety, Finance", ("Health, Safety", "Finance")),
        ("Finance; Health, Safety", ("Finance", "Health, Safety")),
        ("Health, Safety", ("Health, Safety",)),
    ],
)
def test_a_label_may_hold_a_comma(text: str, labels: tuple[str, ...]) -> None:
    assert LabelSet(labels=("Health, Safety", "Finance", "Arts")).find(text) == labels
