"""What was won and lost, by label and slice: read from the file that a verdict leaves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from apo.errors import RunError
from apo.evaluation.evaluation import Rollout, pair_line
from apo.results.flips import Flips, read_flips
from apo.statistics import bounded_p, mcnemar_p
from apo.storage.folder import RunFolder
from apo.task import Example, Score

LABELS = ("환불", "배송")


def line(i: int, seed: float | None, best: float | None, **more: Any) -> dict[str, Any]:
    example = Example({"글": f"문의 {i} 🙂 {{x}}"}, (LABELS[i % 2],))
    rollouts = [
        Rollout(example, "", None, "ContentFilterError: no")
        if value is None
        else Rollout(example, f"답 {value}", Score(value, feedback="" if value == 1 else "틀림"))
        for value in (seed, best)
    ]
    pair: dict[str, Any] = json.loads(pair_line(*rollouts))
    return {**pair, **more}


def folder(path: Path, *lines: Mapping[str, Any]) -> RunFolder:
    text = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in lines)
    (path / "test.jsonl").write_text(text, encoding="utf-8", errors="surrogatepass")
    return RunFolder(path)


def flips(path: Path, *lines: Mapping[str, Any]) -> Flips:
    return read_flips(folder(path, *lines))


def figures(found: Flips) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {(g.by, g.value): (g.n, g.lost, g.won) for g in found.groups}


def test_flips_by_label_and_slice(tmp_path: Path) -> None:
    before_after = [(1, 0), (0, 1), (1, 1), (0, 1), (1, 0), (0, 0), (1, 0), (None, 1)]
    channels = ["앱", "앱", "웹", "웹", "웹", "", "앱", "앱"]
    lines = [
        line(i, *pair, slices={"채널": channel})
        for i, (pair, channel) in enumerate(zip(before_after, channels, strict=True))
    ]
    found = flips(tmp_path, *lines)
    assert figures(found) == {
        ("all", ""): (7, 3, 2),
        ("label", "환불"): (4, 3, 0),
        ("label", "배송"): (3, 0, 2),
        ("채널", "앱"): (3, 2, 1),
        ("채널", "웹"): (3, 1, 1),
        ("채널", ""): (1, 0, 0),
    }
    assert found.unanswered == 1
    assert [pair["inputs"]["글"][:4] for pair in found.lost] == ["문의 0", "문의 4", "문의 6"]
    whole = found.groups[0]
    assert whole.change == pytest.approx(-1 / 7)
    assert whole.p_value == pytest.approx(mcnemar_p(2, 3))
    assert whole.interval[0] < whole.change < whole.interval[1]


def test_p_values_are_corrected_for_the_number_of_groups(tmp_path: Path) -> None:
    lines = [line(i, 1, float(i % 2)) for i in range(24)]
    found = {g.value: g for g in flips(tmp_path, *lines).groups if g.by == "label"}
    assert found["환불"].p_value == pytest.approx(2 * bounded_p([-1.0] * 12))
    assert found["배송"].p_value == 1


def test_answers_that_are_no_labels_make_no_groups(tmp_path: Path) -> None:
    lines = [line(i, 1, 0, targets=[f"답 {i}"]) for i in range(60)]
    assert figures(flips(tmp_path, *lines)) == {("all", ""): (60, 60, 0)}


def test_part_scores_flip_as_the_verdict_counts_them(tmp_path: Path) -> None:
    found = flips(tmp_path, line(0, 0.5, 0.4), line(2, 0.5, 0.75), line(4, 0.5, 0.5))
    assert figures(found)["all", ""] == (3, 1, 1)
    assert found.groups[0].change == pytest.approx(0.05)


def test_what_must_pass_and_broke(tmp_path: Path) -> None:
    must = {"must_pass": True}
    found = flips(
        tmp_path,
        line(0, 1, 0, **must),
        line(1, 1, None, **must),  # Not answered is not passed.
        line(2, 0, 0, **must),
        line(3, 1, 1, **must),
        line(4, 1, 0),
    )
    assert [pair["inputs"]["글"][:4] for pair in found.broken] == ["문의 0", "문의 1"]


def test_nothing_answered_by_both(tmp_path: Path) -> None:
    found = flips(tmp_path, line(0, None, 1), line(1, 1, None))
    assert (found.groups, found.lost, found.won, found.unanswered) == ((), (), (), 2)
    assert flips(tmp_path).groups == ()


def test_what_stands_after_an_empty_line_counts(tmp_path: Path) -> None:
    there = folder(tmp_path, line(0, 0, 1), line(1, 0, 1))
    path = there.path / "test.jsonl"
    path.write_text(path.read_text("utf-8").replace("\n", "\n\n"), encoding="utf-8")
    assert figures(read_flips(there))["all", ""] == (2, 0, 2)


def test_it_is_json(tmp_path: Path) -> None:
    found = flips(tmp_path, line(0, 1, 0), line(1, 0, 1))
    document = json.loads(json.dumps(found.to_dict()))
    assert document["groups"][0]["by"] == "all"
    assert document["lost"][0]["best_feedback"] == "틀림"


def test_no_test_example_was_measured(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.update(state="interrupted")
    with pytest.raises(RunError, match="no test example, so there is nothing to compare"):
        read_flips(run)


@pytest.mark.parametrize(
    "damage",
    [
        {"flip": "gone"},
        {"flip": None},
        {"seed_score": "1"},
        {"seed_score": float("nan")},
        {"best_score": 1.5},
        {"inputs": []},
        {"targets": "a"},
        {"slices": ["채널"]},
        {"must_pass": "yes"},
        {"best_output": None},
    ],
)
def test_a_damaged_line_is_told(tmp_path: Path, damage: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=r"test\.jsonl, line 2"):
        flips(tmp_path, line(0, 1, 0), {**line(1, 1, 0), **damage})


@pytest.mark.parametrize("text", ["{", "[]", "null", "[" * 100_000, '{"id": 1}'])
def test_a_file_that_is_no_such_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "test.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(RunError):
        read_flips(RunFolder(tmp_path))
