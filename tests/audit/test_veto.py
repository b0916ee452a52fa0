"""The audit before the verdict: fragile candidates are passed over, and the budget is kept to."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from apo import Budget, Options, Prompt, Result, Search, SettingsError, optimize
from tests.audit.test_audit import FIRM, TASK, Fake, obedient

SEED = replace(FIRM, instruction=f"{FIRM.instruction} Slowly.")
FRAGILE = Prompt("Tell whether the guest's review of a room is good or bad. Fast.")
SOUND = Prompt(f"{FIRM.instruction} Fast.")


def behave(instruction: str, text: str) -> str:
    """Obey as `obedient` does; be wrong about two reviews of three, unless the prompt is fast."""
    number = text.split("Visit number ")[-1].split(".")[0]
    if "Fast" not in instruction and number.isdigit() and int(number) % 3:
        return "I cannot tell."
    return obedient(instruction, text)


@dataclass(frozen=True)
class Given:
    """Measures prompts in their order."""

    prompts: tuple[Prompt, ...]

    async def run(self, search: Search) -> None:
        search.accept(self.prompts, operator="given")
        for prompt in self.prompts:
            await search.evaluate(prompt)


def run(home: Path, *prompts: Prompt, audit_calls: int = 2000, max_calls: int = 4000) -> Result:
    options = Options(track=False, audit_calls=audit_calls)
    return optimize(
        replace(TASK, seed_prompts=(SEED,)),
        Given(prompts),
        model=Fake(behave),
        budget=Budget(max_calls=max_calls),
        options=options,
        home=home,
    )


def test_a_fragile_winner_is_passed_over(tmp_path: Path) -> None:
    without = run(tmp_path / "without", FRAGILE, SOUND, audit_calls=0)
    assert without.best.prompt == min(FRAGILE, SOUND, key=lambda p: (len(p.text()), p.id))
    found = run(tmp_path / "with", FRAGILE, SOUND)
    assert found.best.prompt == SOUND
    assert found.verdict is not None
    assert found.verdict.favourable
    assert FRAGILE.id in " ".join(found.notes)
    assert "injection: " in " ".join(found.notes)


def test_the_seed_stays_when_nobody_is_sound(tmp_path: Path) -> None:
    found = run(tmp_path, FRAGILE)
    assert found.best.prompt == SEED
    assert "passed over" in found.notes[0]


def test_the_calls_are_held_back_and_kept_to(tmp_path: Path) -> None:
    few, none = (run(tmp_path / str(n), SOUND, audit_calls=n) for n in (300, 0))
    assert few.best.prompt == none.best.prompt == SOUND
    assert 100 < few.spent.calls - none.spent.calls <= 300
    assert few.notes == none.notes  # None of them is of the audit.


def test_less_than_none_is_an_error() -> None:
    with pytest.raises(SettingsError, match="audit_calls is -1"):
        Options(audit_calls=-1)
