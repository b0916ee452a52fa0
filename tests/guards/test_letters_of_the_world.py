"""The same row in NFC and NFD, in full width, in curly quotes: one row for all that guards."""

import json
import unicodedata
from pathlib import Path

import pytest

from apo.checking.check import check
from apo.data.cells import Row
from apo.data.examples import Columns
from apo.data.memory import SplitMemory
from apo.data.near import same_but_signs
from apo.data.pools import make_pools
from apo.data.sampling import inputs_id
from apo.data.split import Split
from apo.drafting.draft import draft_task
from apo.drafting.format import Wanted
from apo.drafting.write import write_draft
from apo.errors import DataError, TaskError
from apo.guards.copies import Copies
from apo.prompts.prompt import Prompt
from apo.reading.characters import differ_in
from apo.scorers.choice import Choice
from apo.scorers.registry import make_scorer
from apo.scorers.text import Exact
from apo.task import Example, Task, text_hash
from apo.taskfile.load import load_task, task_from_data

TEXTS = ("환불해 주세요 {}", "Où est ma commande n° {}?", "Wo bleibt meine Größe {}")


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def rows(text: str, n: int, *, parts: bool = False) -> list[Row]:
    made = [(text.format(i), ("환불", "결제")[i % 2]) for i in range(n)]
    return [
        {"입력": nfd(a) if parts else a, "라벨": nfd(b) if parts and i % 4 < 2 else b}
        for i, (a, b) in enumerate(made)
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_a_row_in_nfc_and_nfd_is_one_row(text: str) -> None:
    columns = Columns(inputs={"입력": "입력"}, targets=("라벨",), labels=("환불", "결제"))
    sources = {"train": rows(text, 40), "test": rows(text, 20, parts=True)}
    pools = make_pools(sources, columns, Split())
    inputs = [inputs_id(dict(e.inputs)) for e in (*pools.train, *pools.validation, *pools.test)]
    assert len(set(inputs)) == len(inputs) == 40
    assert any("Inputs of test that are also in train: 20" in note for note in pools.notes)
    assert {example.target for example in pools.test} == {"환불", "결제"}


def test_what_is_composed_keeps_its_identity_and_a_remembered_split_holds(tmp_path: Path) -> None:
    assert inputs_id({"a": "환불 é"}) == text_hash({"a": "환불 é"})
    columns = Columns(inputs={"입력": "입력"}, targets=("라벨",))
    given = rows(TEXTS[0], 40, parts=True)
    memory = SplitMemory(tmp_path / "split.json")
    once = {text_hash({"입력": row["입력"]}): "test" for row in given[:9]}
    memory.write(0, once)
    pools = make_pools({"data": given}, columns, Split(), memory)
    assert {row["입력"] for row in given[:9]} <= {e.inputs["입력"] for e in pools.test}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It’s “late” – again", 'It\'s "late" - again'),
        ("ＡＢＣ　１２３", "abc 123"),
        ("ｶﾞｲﾄﾞ を見る", "ガイド を見る"),
        ("the oﬃce is closed", "the office is closed"),
        ("re\u200bfund me", "refund me"),
        ("3–5 days", "3-5 days"),
        (nfd("환불 좀"), "환불 좀"),
    ],
)
def test_what_looks_the_same_is_the_same_for_guards(one: str, other: str) -> None:
    pools = {"train": [Example({"x": one}, ("a",))], "test": [Example({"x": other}, ("a",))]}
    assert len(same_but_signs(pools)) + (inputs_id({"x": one}) == inputs_id({"x": other})) == 1


@pytest.mark.parametrize(("one", "other"), [("5² = ?", "52 = ?"), ("① or 2", "1 or 2")])
def test_what_means_something_else_is_told_apart(one: str, other: str) -> None:
    pools = {"train": [Example({"x": one}, ("a",))], "test": [Example({"x": other}, ("b",))]}
    assert not same_but_signs(pools)


@pytest.mark.parametrize("text", TEXTS)
def test_a_copy_in_parts_is_a_copy(text: str) -> None:
    row = " ".join(text.format(n) for n in range(6))
    assert Copies([Example({"x": nfd(row)}, ("a",))], ()).find(f"Such as: {row}")


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("환불", nfd("환불"), "how letters are composed (NFC and NFD)"),
        ("Bug", "bug", "upper and lower case"),
        ("bug", "ｂｕｇ", "full and half width or ligatures"),
        ("it's", "it’s", "the kind of quotes or dashes"),
        ("bug", "b\u200bug", "signs that nobody sees"),
        ("a  b", "a b", "blanks"),
        ("Été", nfd("été"), "how letters are composed (NFC and NFD) and upper and lower case"),
        ("bug", "login", ""),
    ],
)
def test_what_two_labels_differ_in_is_named(one: str, other: str, words: str) -> None:
    assert differ_in(one, other) == words


@pytest.mark.parametrize("other", [nfd("환불"), "환\u200b불", "환불 "])
def test_labels_that_a_scorer_takes_for_one_are_refused_by_what_they_differ_in(other: str) -> None:
    for name in ("choice", "label_set"):
        with pytest.raises(TaskError, match="differ only in") as caught:
            make_scorer(name, ("환불", other, "결제"))
        assert differ_in("환불", other) in str(caught.value)
        assert "case" not in str(caught.value)


def test_labels_are_one_at_every_door(tmp_path: Path) -> None:
    given = rows(TEXTS[0], 60, parts=True)
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in given), "utf-8")
    draft = draft_task("t", path)
    task = load_task(write_draft(draft, tmp_path / "t"))
    assert task.labels == ("결제", "환불")
    file = tmp_path / "t" / "task.yaml"
    file.write_text(nfd(file.read_text("utf-8")), "utf-8")
    task = load_task(file)
    assert task.labels == ("결제", "환불")
    assert {example.target for example in task.train} == {*task.labels}
    assert all(task.takes_target(example) for example in task.train)


def test_columns_are_found_in_either_form(tmp_path: Path) -> None:
    marked = [
        {**row, "필수": "예", "묶음": f"{n % 30}"} for n, row in enumerate(rows(TEXTS[0], 60))
    ]
    apart = [{nfd(name): cell for name, cell in row.items()} for row in marked]
    for data, form in ((marked, nfd), (apart, str), (apart, nfd)):
        task = task_from_data(
            data,
            inputs=form("입력"),
            target=form("라벨"),
            prompt="x",
            must_pass=form("필수"),
            slices=form("묶음"),
        )
        assert all(example.must_pass and "묶음" in example.slices for example in task.test)
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in apart), "utf-8")
    wanted = Wanted(inputs=(nfd("입력"),), target=nfd("라벨"))
    assert load_task(write_draft(draft_task("t", path, wanted), tmp_path / "t")).train


def test_a_target_that_is_no_label_is_still_refused() -> None:
    data = [{"a": f"x {n}", "b": "환급" if n == 5 else "환불"} for n in range(40)]
    with pytest.raises(DataError, match="'환급' is none of the labels"):
        task_from_data(data, inputs="a", target="b", prompt="x", labels=["환불", "결제"])


@pytest.mark.parametrize(
    ("typed", "typeset", "words"),
    [
        ("it's {}", "it’s {}", "the kind of quotes or dashes"),
        ("a-{}", "a–{}", "the kind of quotes or dashes"),
        ("Ab {}", "Ａｂ {}", "full and half width or ligatures"),
        ("ab {}", "a\u200bb {}", "signs that nobody sees"),
    ],
)
def test_exact_tells_typography_and_overlooks_it_by_a_setting(
    typed: str, typeset: str, words: str
) -> None:
    def pool(start: int) -> tuple[Example, ...]:
        forms = (typed, typeset)
        numbers = range(start, start + 60)
        return tuple(Example({"x": f"q {n}"}, (forms[n % 2].format(n),)) for n in numbers)

    def task(scorer: Exact) -> Task:
        return Task(
            name="t",
            scorer=scorer,
            seed_prompts=(Prompt("Answer."),),
            input_fields=("x",),
            train=pool(0),
            validation=pool(100),
            test=pool(200),
        )

    example = Example({"x": "q"}, (typeset.format(1),))
    assert Exact()(typed.format(1), example).value == 0
    assert Exact(ignore_typography=True)(typed.format(1), example).value == 1
    told = [f.text for f in check(task(Exact())) if "ignore_typography: true" in f.text]
    assert len(told) == 1
    assert f"90 of 180 differ from what is typed in {words} (such as" in told[0]
    assert not any("two ways" in f.text for f in check(task(Exact(ignore_typography=True))))


def test_choice_reads_ligatures_and_half_width() -> None:
    scorer = Choice(labels=("office", "ガイド"))
    assert scorer.find("oﬃce") == ("office",)
    assert scorer.find("ｶﾞｲﾄﾞ") == ("ガイド",)
