"""Inputs that are nearly the same: between pools, with other targets, and in `apo check`."""

from dataclasses import replace

from apo import Example, Prompt, Task
from apo.checking.check import check
from apo.data.examples import Columns
from apo.data.near import MAX_COMPARED, nearly_same, pair_notes, same_but_signs
from apo.data.pools import make_pools
from apo.guards.checking import hint_lines, near_lines, seed_lines
from apo.scorers.registry import Choice

LONG = "My parcel was left with a neighbour whom I do not know, please send another one"


def row(text: str, target: str = "a") -> Example:
    return Example({"text": text}, (target,))


def pools(train: list[Example], test: list[Example]) -> dict[str, list[Example]]:
    return {"train": train, "validation": [], "test": test}


def test_signs_alone() -> None:
    found = same_but_signs(
        pools([row("Late, again!"), row("3 + 5"), row("좋아요 🙂")],
              [row("late  again"), row("3 - 5"), row("좋아요 🙁"), row("좋아요, 🙂!", "b")])
    )  # fmt: skip
    assert [(p.pools, p.first.inputs["text"], p.conflicts) for p in found] == [
        (("train", "test"), "Late, again!", False),
        (("train", "test"), "좋아요 🙂", True),
    ]


def test_a_few_letters() -> None:
    near = LONG.replace("neighbour", "neighbor")
    other = LONG.replace("another", "a better")
    [pair] = nearly_same(pools([row(LONG), row("short")], [row(near), row("shorn"), row(other)]))
    assert (pair.first.inputs["text"], pair.second.inputs["text"]) == (LONG, near)
    korean = "지난주에 주문한 커피 머신이 아직도 도착하지 않았는데 배송 조회에는 완료라고 나옵니다"
    assert nearly_same(pools([row(korean)], [row(korean.replace("아직도", "아직"))]))


def test_other_numbers_are_another_input() -> None:
    texts = [
        f"Quinn counts {n} heads and {n + 9} legs in the barn; how many goats?" for n in (7, 8)
    ]
    assert nearly_same(pools([row(texts[0])], [row(texts[1])])) == []


def test_rows_without_letters_are_told_apart() -> None:
    assert same_but_signs(pools([row("?!"), row("{}")], [row("…"), row("\x00")])) == []


def test_they_are_told_with_what_to_do() -> None:
    a, b, c = row("Late again"), row("late, again"), row("LATE AGAIN?", "b")
    notes = [text for _, text in pair_notes(same_but_signs(pools([a], [b, c])))]
    assert notes[0].startswith(
        "Inputs of test that are nearly the same as in train (but for case, blanks and signs): 1 "
        "(such as 'late, again' and 'Late again')"
    )
    assert "where they say the same, take out one of each" in notes[0]
    assert "different targets: 1 (such as 'Late again', which is 'a', and 'LATE AGAIN?'" in notes[1]
    assert "mend the target" in notes[1]


def test_large_pools_are_compared_in_part_and_it_is_said() -> None:
    many = [row(f"Case {i}") for i in range(MAX_COMPARED + 1)]
    [(sure, text)] = near_lines({"train": many})
    assert not sure
    assert f"the first {MAX_COMPARED} were compared letter by letter" in text


def test_loading_tells_planted_conflicts_across_pools() -> None:
    columns = Columns(inputs={"text": "x"}, targets=("y",))
    sources: dict[str, list[dict[str, str | None]]] = {
        name: [{"x": f"{word} {i}", "y": "a"} for i in range(5)]
        for name, word in (("train", "one"), ("validation", "two"), ("test", "three"))
    }
    sources["test"].append({"x": "ONE  1!", "y": "b"})
    sources["validation"].append({"x": "One 2.", "y": "a"})
    notes = " ".join(make_pools(sources, columns).notes)
    assert "Inputs of validation that are nearly the same as in train" in notes
    assert "with different targets: 1 (such as 'one 1', which is 'a', and 'ONE 1!'" in notes


TOPICS = {
    "bill": "invoice charge card payment price",
    "door": "parcel courier tracking doorbell van",
}
ROWS = [
    row(
        f"The {words.split()[i % 5]} and the {words.split()[(i * 3 + 1) % 5]} were wrong, no {i}", k
    )
    for k, words in TOPICS.items()
    for i in range(40)
]
TASK = Task(
    name="t",
    scorer=Choice(labels=("bill", "door")),
    seed_prompts=(Prompt("Is it bill or door?", template="{{text}}"),),
    train=ROWS[::2],
    validation=ROWS[1::4],
    test=ROWS[3::4],
    input_fields=("text",),
    labels=("bill", "door"),
)


def test_wrong_labels_are_hinted_at() -> None:
    assert list(hint_lines(TASK)) == []
    wrong = replace(ROWS[0], targets=("door",))
    [hint] = hint_lines(replace(TASK, train=[wrong, *ROWS[2::2]]))
    assert hint.startswith(
        "Hint: 'door' is the label of 'The invoice and the charge were wrong, no 0'; inputs"
    )
    assert "mostly 'bill'" in hint
    assert any(finding.text == hint for finding in check(replace(TASK, train=[wrong, *ROWS[2::2]])))


def test_no_hints_where_words_do_not_tell_the_labels() -> None:
    by_chance = [replace(e, targets=("bd"[i * i % 7 % 2],)) for i, e in enumerate(ROWS)]
    assert list(hint_lines(replace(TASK, labels=(), train=by_chance))) == []
    free = [replace(e, targets=(f"answer {i}",)) for i, e in enumerate(ROWS)]
    task = replace(TASK, labels=(), train=free, validation=(), test=())
    assert list(hint_lines(task)) == []
    nothing = [row("?", "bill"), row("!", "door")] * 20
    assert list(hint_lines(replace(TASK, train=nothing, validation=(), test=()))) == []


def test_a_seed_prompt_that_shows_what_it_is_measured_on() -> None:
    assert list(seed_lines(TASK)) == []
    seed = TASK.seed_prompts[0]
    shown = ROWS[1]
    demo = replace(seed, demos=(seed.demo(shown.inputs, "bill"),))
    [line] = seed_lines(replace(TASK, seed_prompts=(demo,)))
    assert "A demo of the seed prompt is a row of validation, so its score" in line
    quoting = seed.with_instruction(f"Is it bill or door? {ROWS[3].inputs['text']}: bill.")
    lines = " ".join(seed_lines(replace(TASK, seed_prompts=(quoting,))))
    assert "The seed prompt holds a row of test, so its score on test is too good" in lines
