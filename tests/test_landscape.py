"""Synthetic landscapes: the optimum and every quality are exact, and the writer knows no table."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apo import Decoding, Demo, Example, Prompt, Request
from apo.errors import SettingsError
from apo.model import Message
from apo.prompts.layout import Layout
from apo.testing import landscape_writer
from apo.testing.landscape import Landscape, exact
from apo.testing.landscape_model import LandscapeModel
from apo.testing.landscape_words import (
    OPTIONS,
    SLOTS,
    read_inputs,
    read_lines,
    read_settings,
    shown_pairs,
    write_lines,
)
from apo.testing.landscape_writer import LandscapeWriter, read_meta_prompt
from experiments.benchmarks.testbed import reached, regret, search, table

# --- landscapes -----------------------------------------------------------------------------


def highest(landscape: Landscape) -> float:
    """The best quality over all settings, tried one by one."""
    every = product(landscape.options, repeat=landscape.n_slots)
    return max(
        landscape.quality(dict(zip(landscape.slots, options, strict=True))) for options in every
    )


@given(
    seed=st.integers(0, 10**6),
    n_slots=st.integers(3, 4),
    n_options=st.integers(1, 2),
    n_interactions=st.integers(0, 2),
    ruggedness=st.floats(0, 1),
    traps=st.integers(0, 1),
)
def test_the_optimum_is_the_best_of_all_settings(
    seed: int, n_slots: int, n_options: int, n_interactions: int, ruggedness: float, traps: int
) -> None:
    landscape = Landscape(
        seed=seed,
        n_slots=n_slots,
        n_options=n_options,
        n_interactions=n_interactions,
        ruggedness=ruggedness,
        traps=traps,
    )
    assert landscape.optimum == pytest.approx(highest(landscape))


@pytest.mark.parametrize(
    ("n_slots", "n_interactions", "traps"), [(4, 3, 0), (4, 3, 2), (5, 2, 2), (6, 1, 3), (4, 2, 1)]
)
def test_the_optimum_with_more_neighbours_and_traps(
    n_slots: int, n_interactions: int, traps: int
) -> None:
    landscape = Landscape(
        seed=5, n_slots=n_slots, n_options=2, n_interactions=n_interactions, traps=traps
    )
    assert landscape.optimum == pytest.approx(highest(landscape))


@pytest.mark.parametrize("seed", range(20))
def test_a_trap_is_worth_most_together_and_little_alone(seed: int) -> None:
    plain = Landscape(seed=seed, n_slots=4)
    trapped = replace(plain, traps=2)
    for place in (0, 2):
        table_ = trapped.tables[place]
        [pair] = [key for key, value in table_.items() if value == 0.95]
        assert table_[pair] == max(table_.values())
        alone = {key: value for key, value in table_.items() if key[0] == pair[0] and key != pair}
        assert set(alone.values()) == {0.1}
        assert all("" not in key for key in (pair,))
        others = [value for key, value in table_.items() if key[0] not in ("", pair[0])]
        assert max(alone.values()) < min(others)  # Whoever goes there one by one, turns back.
    for place in (1, 3):
        assert trapped.tables[place] == plain.tables[place]


def test_a_landscape_follows_from_its_seed() -> None:
    first, again, other = Landscape(seed=3), Landscape(seed=3), Landscape(seed=4)
    assert first.tables == again.tables
    assert first.thresholds == again.thresholds
    assert first.task().fingerprint == again.task().fingerprint
    assert first.tables != other.tables
    assert first.thresholds != other.thresholds
    assert [e.targets for e in first.task().train] != [e.targets for e in other.task().train]


def test_without_ruggedness_a_slot_depends_on_its_own_option_alone() -> None:
    landscape = Landscape(ruggedness=0)
    for slot_table in landscape.tables:
        by_option = {
            option: {round(value, 12) for key, value in slot_table.items() if key[0] == option}
            for option in landscape.options
        }
        assert all(len(values) == 1 for values in by_option.values())
    rugged = Landscape(ruggedness=1).tables[0]
    assert len({value for key, value in rugged.items() if key[0] == "blue"}) == 4
    assert landscape.quality(landscape.hints) == pytest.approx(landscape.optimum)


def test_quality_is_the_mean_over_slots_and_looks_at_the_next_one_in_the_ring() -> None:
    landscape = Landscape(seed=1, n_slots=3)
    settings = {"birch": "blue", "elder": "red"}
    first, second, third = landscape.tables
    expected = first["blue", ""] + second["", "red"] + third["red", "blue"]
    assert landscape.quality(settings) == pytest.approx(expected / 3)
    assert landscape.quality({}) == pytest.approx(0.05)


def test_the_quality_of_a_prompt_is_that_of_what_it_sets() -> None:
    landscape = Landscape(seed=2)
    demos = (Demo("birch 0", "blue"), Demo("cedar 1", "red"))
    assert landscape.quality_of(Prompt("Answer.")) == landscape.quality({})
    lines = Prompt("Answer.\nSet birch to green.\nSet oak to red.")
    assert landscape.quality_of(lines) == landscape.quality({"birch": "green", "oak": "red"})
    shown = landscape.quality_of(Prompt("Answer.", demos=demos))
    assert shown == landscape.quality({"birch": "blue", "cedar": "red"})
    both = landscape.quality({"birch": "green", "oak": "red", "cedar": "red"})
    assert landscape.quality_of(replace(lines, demos=demos)) == both  # Its own words go first.


def test_most_of_the_demos_decide_and_of_equals_the_first() -> None:
    two = [("birch 0", "red"), ("birch 10", "blue"), ("birch 20", "blue")]
    assert read_settings("", two, SLOTS) == {"birch": "blue"}
    assert read_settings("", two[:2], SLOTS) == {"birch": "red"}
    assert read_settings("Set birch to red. Set birch to green.", two, SLOTS) == {"birch": "green"}
    assert read_settings("Set maple to red.", [], SLOTS[:2]) == {}


@given(st.dictionaries(st.sampled_from(SLOTS), st.sampled_from(OPTIONS)))
def test_what_is_written_is_read(settings: dict[str, str]) -> None:
    assert read_lines(write_lines(settings)) == settings
    assert read_lines(write_lines({**dict.fromkeys(SLOTS, ""), **settings})) == settings


def test_every_pool_spreads_the_thresholds_of_a_slot_evenly() -> None:
    landscape = Landscape(seed=7)
    task = landscape.task()
    for pool in (task.train, task.validation, task.test):
        for slot in landscape.slots:
            names = [e.inputs["input"] for e in pool if e.inputs["input"].startswith(slot)]
            found = sorted(landscape.thresholds[name] for name in names)
            assert found == pytest.approx([(rank + 0.5) / 6 for rank in range(6)])


def test_pools_are_disjoint_and_clear_outputs_are_hints() -> None:
    clear = Landscape(seed=1, clarity=1)
    task = clear.task()
    rows = [*task.train, *task.validation, *task.test]
    assert len({e.inputs["input"] for e in rows}) == 180
    assert all(e.target == clear.hints[e.inputs["input"].split()[0]] for e in rows)
    vague = replace(clear, clarity=0).task()
    assert {e.target for e in vague.train} == {"blue", "green", "red"}


def test_feedback_names_the_slot_and_never_the_option() -> None:
    example = Example({"input": "oak 6"}, ("red",))
    assert (exact("red", example).value, exact("red", example).feedback) == (1, "")
    wrong = exact("?", example)
    assert (wrong.value, wrong.well_formed) == (0, False)
    assert "oak" in wrong.feedback
    assert "red" not in wrong.feedback


# --- the task model -------------------------------------------------------------------------


def asked(messages: tuple[Message, ...], decoding: Decoding, seed: int) -> Request:
    return Request(messages=messages, decoding=decoding, seed=seed)


def answers(
    landscape: Landscape, prompt: Prompt, examples: Sequence[Example], seed: int = 0
) -> list[bool]:
    """Whether the model is right about each example."""
    model = LandscapeModel(landscape)

    async def main() -> list[bool]:
        requests = [asked(prompt.messages(e.inputs), prompt.decoding, seed) for e in examples]
        texts = [(await model.complete(request)).text for request in requests]
        assert model.calls == len(examples)
        return [text == e.target for text, e in zip(texts, examples, strict=True)]

    return asyncio.run(main())


def mean(landscape: Landscape, prompt: Prompt, seed: int = 0) -> float:
    found = answers(landscape, prompt, landscape.task().validation, seed)
    return sum(found) / len(found)


@pytest.mark.parametrize("seed", range(6))
def test_the_mean_over_validation_is_close_to_the_quality(seed: int) -> None:
    landscape = Landscape(seed=seed, noise=0, size=200)
    settings = {slot: OPTIONS[(seed + i) % 3] for i, slot in enumerate(landscape.slots)}
    for some in (settings, landscape.hints, {"oak": "red"}, {}):
        prompt = Prompt(f"Answer.\n{write_lines(some)}")
        # 20 even thresholds for each slot: at most half a step of a twentieth off.
        assert abs(mean(landscape, prompt) - landscape.quality(some)) <= 0.025 + 1e-9


def test_noise_draws_answers_anew_by_the_wording_alone() -> None:
    landscape = Landscape(seed=1, noise=0.3, size=400)
    lines = write_lines(landscape.hints)
    one, two = Prompt(f"Answer.\n{lines}"), Prompt(f"Reply.\n{lines}")
    pool = landscape.task().validation
    assert answers(landscape, one, pool) == answers(landscape, one, pool, seed=1)
    assert answers(landscape, one, pool) != answers(landscape, two, pool)
    assert abs(mean(landscape, one) - landscape.quality(landscape.hints)) < 0.08
    still = replace(landscape, noise=0)
    assert answers(still, one, pool) == answers(still, two, pool)


def test_a_warm_answer_depends_on_the_seed_of_the_request() -> None:
    landscape = Landscape(seed=1, noise=0, size=400)
    warm = Prompt(f"Answer.\n{write_lines(landscape.hints)}", decoding=Decoding(temperature=1.0))
    pool = landscape.task().validation
    assert answers(landscape, warm, pool) != answers(landscape, warm, pool, seed=1)
    assert abs(mean(landscape, warm) - landscape.quality(landscape.hints)) < 0.08


DEMOS = (Demo("birch 0", "blue"), Demo("cedar 1", "red"))
LAYOUTS = {
    "system": Layout(),
    "user": Layout(role="user"),
    "xml": Layout(headings="xml"),
    "again": Layout(repeat_instruction=True),
    "demos in the text": Layout(order=("demos", "instruction", "context")),
    "all in one turn": Layout(
        order=("context", "instruction", "demos"), role="user", headings="markdown", separator="\n"
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("cue", ["", "Answer:"])
def test_prompts_are_read_in_every_layout(name: str, cue: str) -> None:
    landscape = Landscape(seed=4, noise=0)
    plain = Prompt("Answer.\nSet oak to green.", demos=DEMOS)
    pool = landscape.task().validation
    expected = answers(landscape, plain, pool)
    assert any(expected)
    assert not all(expected)
    assert answers(landscape, replace(plain, layout=LAYOUTS[name], cue=cue), pool) == expected
    assert answers(landscape, replace(plain, demos=()), pool) != expected


def test_inputs_and_demos_are_found_where_they_stand() -> None:
    assert read_inputs("Set oak to red.\n\nbirch 0\nblue\n\ncedar 11\n\nAnswer:") == [
        "birch 0",
        "cedar 11",
    ]
    assert shown_pairs(["Answer.", "birch 0", "blue", "cedar 1", "red"]) == [
        ("birch 0", "blue"),
        ("cedar 1", "red"),
    ]


# --- the writer -----------------------------------------------------------------------------

META = """Write.
<task>
Give every slot its best option.
</task>
<candidate score="62">
Answer.
Set birch to blue.
</candidate>
<candidate score="35">
Set birch to red.
Set pine to red.
</candidate>
<example>
<input>
oak 6
</input>
<output>
red
</output>
<answer>
?
</answer>
<feedback>
oak is served badly.
</feedback>
</example>
<example>
<input>
pine 7
</input>
<output>
green
</output>
<answer>
green
</answer>
</example>
<example>
<input>
birch 10
</input>
<output>
blue
</output>
</example>
"""
ASKED = "Reply between <instruction> and </instruction> tags."
ADVICE = "<comment>\nSet cedar to white.\n</comment>\n"


def replies(landscape: Landscape, text: str, n: int = 40) -> list[str]:
    """What the writer says to a meta-prompt with the seeds 0 to n."""
    writer = LandscapeWriter(landscape)

    async def main() -> list[str]:
        warm = Decoding(temperature=1.0)
        requests = [asked((Message("user", text),), warm, seed) for seed in range(n)]
        return [(await writer.complete(request)).text for request in requests]

    return asyncio.run(main())


def written(landscape: Landscape, text: str, n: int = 40) -> list[dict[str, str]]:
    """The settings of these replies."""
    return [read_lines(reply) for reply in replies(landscape, text, n)]


def test_the_writer_reads_a_meta_prompt_by_its_tags() -> None:
    shown = read_meta_prompt(META + ADVICE + ASKED)
    assert shown.pairs == (("oak 6", "red"), ("pine 7", "green"), ("birch 10", "blue"))
    assert shown.failed == ("oak",)
    assert shown.candidates == (
        (35.0, {"birch": "red", "pine": "red"}),
        (62.0, {"birch": "blue"}),
    )
    assert shown.advice == {"cedar": "white"}
    assert shown.tag == "instruction"
    assert read_meta_prompt(META + "Between <reason> and </reason> tags.").tag == "reason"
    assert read_meta_prompt("<candidate>\nSet oak to red.\n</candidate>").candidates == (
        (0.0, {"oak": "red"}),
    )


def test_the_writer_knows_no_table() -> None:
    one, two = Landscape(seed=0), Landscape(seed=1, ruggedness=0.9, traps=3)
    assert one.tables != two.tables
    for text in (META + ASKED, META + ADVICE + ASKED, ASKED, META + "<reason> or </reason>"):
        assert replies(one, text) == replies(two, text)
    assert len(set(replies(one, META + ASKED))) > 5


def test_a_cold_writer_says_the_same_again() -> None:
    writer = LandscapeWriter(Landscape())

    async def say(seed: int) -> str:
        request = asked((Message("user", META + ASKED),), Decoding(temperature=0), seed)
        return (await writer.complete(request)).text

    assert asyncio.run(say(0)) == asyncio.run(say(1))
    assert writer.calls == 2


def test_about_three_replies_in_a_hundred_lack_their_tags() -> None:
    found = replies(Landscape(), META + ASKED, 1500)
    bare = sum("<instruction>" not in reply for reply in found)
    assert 0.02 * 1500 < bare < 0.045 * 1500
    assert pytest.approx(0.03) == landscape_writer.MALFORMED


def test_without_a_candidate_it_follows_the_examples() -> None:
    examples = META[META.index("<example>") :]
    found = written(Landscape(), examples + ASKED, 200)
    hints = {"oak": "red", "pine": "green", "birch": "blue"}
    assert all(settings.items() <= hints.items() for settings in found)
    for slot in hints:
        assert 0.7 < sum(slot in settings for settings in found) / 200 < 0.9


def test_failures_change_the_slot_that_fails() -> None:
    found = written(Landscape(), META + ASKED, 200)
    # Drift alone may open it again.
    assert sum(bool(settings.get("oak")) for settings in found) > 180
    assert {settings["oak"] for settings in found if "oak" in settings} == {"blue", "green", "red"}
    base = sum(settings.get("birch") == "blue" for settings in found)
    assert base > 140  # The best candidate is what it mostly goes on from.
    assert any(settings.get("pine") == "red" for settings in found)


def test_advice_is_mostly_taken() -> None:
    found = written(Landscape(), META + ADVICE + ASKED, 200)
    assert 0.7 < sum(settings.get("cedar") == "white" for settings in found) / 200 < 0.9


def test_another_tag_gets_advice_on_what_fails() -> None:
    found = written(Landscape(), META + "Between <reason> and </reason> tags.")
    assert all(set(settings) == {"oak"} for settings in found)
    texts = replies(Landscape(), META + "Between <choice> and </choice> tags.", 60)
    assert {text.removeprefix("<choice>\n").removesuffix("\n</choice>") for text in texts} == {
        "A",
        "B",
    }


# --- the testbed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("course", "calls"),
    [
        ([], 900),
        ([(10, 0.2)], 900),
        ([(10, 0.96)], 10),
        ([(10, 0.2), (50, 0.95)], 50),
        ([(10, 0.2), (50, 0.97), (70, 0.99)], 50),
        ([(10, 0.97), (50, 0.9), (70, 0.96)], 10),  # Though it was lost again.
        ([(10, 0.97), (50, 0.9)], 10),
    ],
)
def test_reached_is_where_the_target_is_first_reached(
    course: list[tuple[int, float]], calls: int
) -> None:
    assert reached(course, 900) == calls


def test_regret_is_what_is_lacking_so_far() -> None:
    places = np.array([0.0, 9, 10, 49, 50, 1000])
    found = regret([(10, 0.25), (50, 0.75)], places)
    assert found.tolist() == [1, 1, 0.75, 0.75, 0.25, 0.25]
    assert regret([], places).tolist() == [1] * 6


def test_the_table_has_the_quickest_first() -> None:
    courses = {
        "slow": [[(10, 0.5), (400, 1.0)], [(10, 0.5)]],
        "random-search": [[(10, 0.5)], [(10, 0.9)]],
        "quick": [[(10, 0.5), (100, 1.0)], [(10, 0.5), (200, 0.96)]],
    }
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table(courses, 1000).splitlines()
    ]
    assert [row[0] for row in rows] == ["optimizer", "---", "quick", "slow", "random-search"]
    quick, slow, base = rows[2:]
    assert (quick[1], quick[3], quick[4], quick[5]) == ("150", "2 of 2", "98.0%", "0.15")
    assert (slow[1], slow[3], slow[4], slow[5]) == ("700", "1 of 2", "75.0%", "0.70")
    assert (base[1], base[3], base[4], base[5]) == ("1000", "0 of 2", "70.0%", "1.00")
    assert rows[1][1:] == ["---:"] * 5
    low, high = (float(end) for end in quick[2].split(" to "))
    assert low < 150 < high
    assert low + high == pytest.approx(300, abs=2)


def test_without_the_baseline_or_with_one_landscape_the_table_still_stands() -> None:
    text = table({"quick": [[(100, 1.0)]]}, 1000)
    assert text.splitlines()[2] == "| quick | 100 | nan to nan | 1 of 1 | 100.0% | 1.00 |"


def test_a_search_of_the_testbed_gives_its_course() -> None:
    course = search("random-search", 0, 700)
    assert course == search("random-search", 0, 700)
    calls, shares = zip(*course, strict=True)
    landscape = Landscape(seed=0)
    assert calls[0] == 60
    assert shares[0] == pytest.approx(landscape.quality({}) / landscape.optimum)
    assert list(calls) == sorted(calls)
    assert calls[-1] <= 700
    assert 0.2 < shares[-1] <= 1


@pytest.mark.parametrize(
    "wrong",
    [{"n_slots": 1}, {"n_slots": 11}, {"n_options": 0}, {"n_slots": 3, "n_interactions": 3},
     {"n_slots": 4, "traps": 3}, {"traps": -1}],
)  # fmt: skip
def test_what_a_landscape_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError):
        Landscape(**wrong)
