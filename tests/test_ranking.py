"""Who is best is the same wherever it is told: the search, `apo show`, MLflow and comparisons."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from apo import Evaluation, Example, Prompt, Rollout, Score
from apo.results.standings import standings
from apo.search.archive import Archive
from apo.storage.folder import RunFolder
from apo.storage.journal import Journal
from apo.storage.record import Record, read_record
from apo.storage.summary import candidates
from apo.tracking.files import candidate_rows

Scores = Mapping[str, Sequence[float | None]]


def evaluation(text: str, scores: Sequence[float | None], must: int) -> Evaluation:
    rollouts = [
        Rollout(
            Example({"input": str(place)}, ("t",), must_pass=place < must),
            "",
            None if score is None else Score(score),
        )
        for place, score in enumerate(scores)
    ]
    return Evaluation(Prompt(text), tuple(rollouts))


def measured(folder: Path, found: Scores, must: int) -> tuple[Archive, RunFolder]:
    """What a search has of some prompts, and the folder with its journal; the first is the seed."""
    run = RunFolder(folder / "runs" / "a-b-1")
    run.path.mkdir(parents=True)
    run.update(id="a-b-1", state="interrupted", options={})
    archive = Archive(seed=Prompt(next(iter(found))))
    with closing(Journal(run.journal_path)) as journal:
        for place, (text, scores) in enumerate(found.items()):
            each = evaluation(text, scores, must)
            archive.add(each)
            body: dict[str, Any] = {"operator": "made" if place else "seed", "parents": []}
            journal.note("candidate", each.prompt.id, {**body, "prompt": each.prompt.to_dict()})
            body = {"candidate": each.prompt.id, "whole": True, "calls": 10 * place, "usd": None}
            journal.note("evaluation", f"{each.prompt.id} whole", {**body, **each.to_dict()})
    return archive, run


UNANSWERED: Scores = {
    "seed": [1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    "careful": [1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
    "shy": [1, 1, 1, 1, None, None, None, None, None, 0],
}
MUST: Scores = {"seed": [1, 0, 0, 0], "breaks": [0, 1, 1, 1], "keeps": [1, 1, 0, 0]}
TIED: Scores = {"seed": [0, 0], "a longer text": [1, 0], "short": [0, 1]}


@pytest.mark.parametrize(
    ("found", "must", "best"),
    [(UNANSWERED, 0, "careful"), (MUST, 1, "keeps"), (TIED, 0, "short")],
    ids=["unanswered", "must pass", "tied"],
)
def test_all_places_have_one_order(found: Scores, must: int, best: str, tmp_path: Path) -> None:
    archive, run = measured(tmp_path, found, must)
    expected = [each.prompt.id for each in archive.ranked()]
    assert expected[0] == Prompt(best).id
    record = read_record(run.journal_path)
    assert record.best is not None
    assert record.best.id == expected[0]
    assert [row["id"] for row in candidates(run)] == expected
    assert [row["id"] for row in candidate_rows(record)] == expected
    assert [standing.id for standing in standings(run)] == expected


def test_the_curve_follows_the_best_one_and_not_the_highest_value(tmp_path: Path) -> None:
    _, run = measured(tmp_path, UNANSWERED, 0)
    curve = [(p.step, p.value) for p in read_record(run.journal_path).curves]
    assert curve == [(0, 0.2), (10, 0.6), (20, 0.6)]  # And not 0.8, of the five that "shy" dared.


def test_a_run_without_a_journal_has_no_candidates(tmp_path: Path) -> None:
    assert read_record(tmp_path / "journal.db").ranked == Record().ranked == []
