"""Bootstrap few-shot with random search (Khattab et al., 2023): demos from the model's answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from apo import Completion, Example, Prompt, Request, Search, SettingsError
from apo.optimizers.bootstrap import BootstrapRS
from apo.optimizers.parts.demo_sets import Bootstrap, DemoSet, Worked, with_demos
from tests.fidelity.conftest import Reader, Run, Seen


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An optimizer that does what a test wants."""

    work: Callable[[Search], Awaitable[None]]

    async def run(self, search: Search) -> None:
        await self.work(search)


def silent(n: int, _: str) -> str:
    raise AssertionError("Demos need no optimizer model.")


def make(run: Run, numbers: list[int], bootstrap: Bootstrap, **options: object) -> list[DemoSet]:
    """Demo sets of the seed prompt."""
    found: list[DemoSet] = []

    async def work(search: Search) -> None:
        for number in numbers:
            found.append(await bootstrap.demo_set(search, search.seed_prompts[0], number))

    run(Probe(work=work), silent, **options)  # type: ignore[arg-type]  # forwards what it is given
    return found


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """All requests to the task model from now on."""
    requests: list[Request] = []
    answer = Reader.complete

    async def complete(self: Reader, request: Request) -> Completion:
        requests.append(request)
        return await answer(self, request)

    monkeypatch.setattr(Reader, "complete", complete)
    return requests


def names(demos: DemoSet, *, own: bool) -> list[str]:
    return [worked.example.target for worked in demos if worked.own == own]


def bootstrap_calls(seen: Seen) -> list[str]:
    train = {example.target for example in seen.task.train}
    return [last for _, last in seen.reader.asked if last in train]


# --- one demo set ---------------------------------------------------------------------------


def test_the_kinds_of_sets_and_their_sizes(run: Run) -> None:
    maker = Bootstrap(max_bootstrapped_demos=3, max_labeled_demos=5)
    sets = make(run, [*range(3), *range(3, 15)], maker, seed_prompt="+" * 10)
    assert sets[0] == ()
    assert len(names(sets[1], own=False)) == 5
    assert names(sets[1], own=True) == []
    assert names(sets[2], own=True) == ["x0", "x1", "x2"]
    assert {len(names(demos, own=True)) for demos in sets[3:]} == {1, 2, 3}
    assert all(len(demos) == 5 for demos in sets[1:])
    assert len({tuple(names(demos, own=True)) for demos in sets[3:]}) > 8


def test_no_example_stands_twice_in_a_set_and_own_answers_come_first(run: Run) -> None:
    for demos in make(run, [2, 3, 4, 5], Bootstrap(), seed_prompt="+" * 10):
        shown = [worked.example for worked in demos]
        assert len(shown) == len(set(shown)) == 10
        assert [worked.own for worked in demos] == sorted((w.own for w in demos), reverse=True)


def test_labelled_demos_are_drawn_independently(run: Run) -> None:
    maker = Bootstrap(max_bootstrapped_demos=0, max_labeled_demos=6)
    sets = make(run, list(range(1, 9)), maker, size=40)
    assert len({frozenset(names(demos, own=False)) for demos in sets}) == 8
    assert len({name for demos in sets for name in names(demos, own=False)}) > 20


def test_the_teacher_never_sees_the_example_it_is_asked_about(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = recorded(monkeypatch)
    make(run, [2], Bootstrap(max_bootstrapped_demos=5, max_labeled_demos=5), size=5)
    asked = [request for request in requests if len(request.messages) > 2]
    assert len(asked) == 5
    for request in asked:
        *before, last = [message.content for message in request.messages[1:]]
        assert sorted([*before[::2], last]) == ["x0", "x1", "x2", "x3", "x4"]
        assert before[::2] == before[1::2]  # Labelled demos show the targets.


def test_an_example_that_is_not_among_the_demos_is_asked_with_all_of_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = recorded(monkeypatch)
    maker = Bootstrap(max_bootstrapped_demos=2, max_labeled_demos=3)
    make(run, [2], maker, size=30, seed_prompt="+" * 30)
    taught = [request.messages for request in requests if len(request.messages) > 2]
    assert {len(messages) for messages in taught} <= {2 + 2 * 2, 2 + 2 * 3}
    assert len(taught) == 2


def test_the_models_own_answer_is_shown_and_not_the_target(run: Run) -> None:
    [demos] = make(run, [2], Bootstrap(max_bootstrapped_demos=2, threshold=0.0))
    assert [worked.answer for worked in demos if worked.own] == ["no", "no"]
    assert all(w.answer == w.example.target for w in demos if not w.own)
    prompt = with_demos(Prompt("Seed"), demos[:1])
    assert prompt.messages({"input": "?"})[2].content == "no"


@pytest.mark.parametrize(("right", "asked"), [(10, 3), (3, 3), (2, 10), (0, 10)])
def test_the_walk_ends_at_so_many_successes(right: int, asked: int, run: Run) -> None:
    async def work(search: Search) -> None:
        maker = Bootstrap(max_bootstrapped_demos=3)
        found = await maker.bootstrap(search, search.seed_prompts[0], search.task.train, 3)
        assert len(found) == min(right, 3)

    seen = run(Probe(work=work), silent, seed_prompt="Seed" + "+" * right)
    assert len(bootstrap_calls(seen)) == asked


def test_a_walk_has_an_end(run: Run) -> None:
    async def work(search: Search) -> None:
        await Bootstrap().bootstrap(search, search.seed_prompts[0], search.task.train, 2)

    assert len(bootstrap_calls(run(Probe(work=work), silent, size=90))) == 20


def test_later_rounds_ask_what_failed_again_at_temperature_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = recorded(monkeypatch)

    async def work(search: Search) -> None:
        maker = Bootstrap(max_rounds=3, max_labeled_demos=0)
        await maker.bootstrap(search, search.seed_prompts[0], search.task.train[:4], 4)

    run(Probe(work=work), silent, seed_prompt="++")
    tries = [(r.messages[-1].content, r.decoding.temperature) for r in requests[10:]]
    first = [(f"x{i}", 0.0) for i in range(4)]
    again = [("x2", 1.0), ("x3", 1.0)]
    assert tries == [*first, *again, *again]
    assert len({r.seed for r in requests if r.messages[-1].content == "x2"}) == 3


# --- the search -----------------------------------------------------------------------------


def test_number_of_calls(run: Run) -> None:
    """19 candidates are measured on validation: the seed, 18 others, and the bootstrapping."""
    seen = run(BootstrapRS(max_labeled_demos=6), silent, seed_prompt="Seed" + "+" * 6, size=20)
    whole = [event.body["candidate"] for event in seen.evaluations(whole=True)]
    assert len(whole) == 1 + 19
    assert len(set(whole)) == 19
    assert seen.evaluations(whole=False) == []
    train = bootstrap_calls(seen)
    assert len(seen.reader.asked) == 19 * 20 + len(train)
    assert 17 <= len(train) <= 17 * 20
    assert seen.writer.texts == []


@pytest.mark.parametrize("n", [0, 1, 5])
def test_three_candidates_come_before_the_random_ones(n: int, run: Run) -> None:
    seen = run(BootstrapRS(n_candidates=n), silent, seed_prompt="+++")
    assert len(seen.evaluations(whole=True)) == 1 + 3 + n


def test_the_instruction_stays_as_it_is(run: Run) -> None:
    assert run(BootstrapRS(n_candidates=2), silent).instructions == ["Seed"]


def test_a_score_ends_it(run: Run) -> None:
    seen = run(BootstrapRS(stop_at_score=0.3), silent, seed_prompt="+++")
    assert len(seen.evaluations(whole=True)) == 2
    solved = run(BootstrapRS(), silent, seed_prompt="+" * 10)
    assert len(solved.reader.asked) == 10


def test_without_room_for_own_answers_nothing_is_bootstrapped(run: Run) -> None:
    seen = run(BootstrapRS(max_bootstrapped_demos=0, n_candidates=2), silent, seed_prompt="+++")
    assert bootstrap_calls(seen) == []
    empty = run(BootstrapRS(max_labeled_demos=0, n_candidates=2), silent)
    assert len({event.body["candidate"] for event in empty.evaluations(whole=True)}) == 1


def test_settings_out_of_range() -> None:
    for wrong in ({"threshold": 2}, {"max_rounds": 0}, {"max_labeled_demos": -1}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            replace(BootstrapRS(), **wrong)
    assert Worked(Example({"input": "a"}, ("b",)), "b").own is False
