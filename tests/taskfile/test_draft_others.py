"""Drafting tasks of files that other programs wrote: what can be read is, the rest is told."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from apo.drafting.draft import draft_task
from apo.drafting.write import write_draft
from apo.errors import DataError
from apo.taskfile.load import load_task

FRAME = pd.DataFrame(
    [{"text": f"ticket number {i} says", "kind": ["bug", "login"][i % 2]} for i in range(60)]
)


@pytest.mark.parametrize("order", ["as made", "shuffled", "from Excel"])
def test_an_index_without_a_name_is_left_out(order: str, tmp_path: Path) -> None:
    path = tmp_path / ("d.xlsx" if order == "from Excel" else "d.csv")
    if order == "from Excel":
        FRAME.to_excel(path)
    else:
        (FRAME.sample(frac=1, random_state=1) if order == "shuffled" else FRAME).to_csv(path)
    draft = draft_task("t", path)
    assert "The first column has no name and numbers the rows" in draft.explanations[0]
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert task.input_fields == ("text",)
    assert task.labels == ("bug", "login")
    assert task.train[0].inputs["text"].startswith("ticket")


@pytest.mark.parametrize(
    ("places", "said"), [((2, 3), "column 3, 4"), ((0,), "column 1"), ((1,), "column 2")]
)
def test_empty_columns_without_a_name_are_left_out(
    places: tuple[int, ...], said: str, tmp_path: Path
) -> None:
    lines = [FRAME.columns.tolist(), *FRAME.to_numpy().tolist()]
    for line in lines:
        for place in places:
            line.insert(place, "")
    path = tmp_path / "d.csv"
    path.write_text("\n".join(map(",".join, lines)), "utf-8")
    draft = draft_task("t", path)
    assert f"neither a name nor cells: {said}." in draft.explanations[0]
    assert load_task(write_draft(draft, tmp_path / "t")).labels == ("bug", "login")


def test_a_column_without_a_name_that_holds_texts_is_told(tmp_path: Path) -> None:
    FRAME.set_index("kind").to_csv(tmp_path / "d.csv", index_label="")
    with pytest.raises(DataError, match="column 1 has no name, and line 2 has 'bug' there"):
        draft_task("t", tmp_path / "d.csv")


@pytest.mark.parametrize("name", ["date", "url", "Source"])
def test_what_is_seldom_asked_for_is_the_target_where_nothing_else_is(
    name: str, tmp_path: Path
) -> None:
    frame = FRAME.assign(kind=[f"2025-01-{1 + i % 28:02}" for i in range(60)])
    frame.rename(columns={"kind": name}).to_csv(tmp_path / "d.csv", index=False)
    settings = yaml.safe_load(draft_task("t", tmp_path / "d.csv").yaml)
    assert (settings["inputs"], settings["target"]) == (["text"], name)


@pytest.mark.parametrize("name", ["label", "id"])
def test_no_input_names_the_flags(name: str, tmp_path: Path) -> None:
    frame = FRAME.assign(id=range(60)).rename(columns={"kind": "label"})
    frame[["id", "label"] if name == "label" else ["id", "text"]].to_csv(
        tmp_path / "d.csv", index=False
    )
    with pytest.raises(DataError, match="Name both: --input COLUMN --target COLUMN"):
        draft_task("t", tmp_path / "d.csv")
