"""The words on a run's page in MLflow."""

import re
from collections.abc import Mapping
from typing import Any

from apo.prompts.prompt import Prompt
from apo.results.outcome import outcome
from apo.results.words import form_gain
from apo.storage.record import Record
from apo.tracking.environment import public_uri
from apo.tracking.told import changes_told, literal, shown

MAX_NOTE = 8000  # The longest tag that MLflow keeps whole.
MAX_SEED = 1200  # Where what changed in it is told, too.
MAX_ANSWERS = 4  # Whose shares are told, the most common first.


def describe(
    settings: Mapping[str, Any],
    record: Record,
    result: Mapping[str, Any] | None,
    lost: str = "",
) -> str:
    """Write a run's description in Markdown: outcome, facts, what changed, what was lost, prompts.

    Args:
        settings: the run's settings.
        record: its candidates so far.
        result: its result, if there is one yet.
        lost: what is said of the test rows that were lost.
    """
    seed, best = chosen_prompts(record, result)
    parts = [
        f"**{outcome_sentence(settings, result)}**",
        _table(_facts(settings, record, result)),
    ]
    changed = seed is not None and best is not None and best != seed
    if seed is not None and best is not None and changed:
        parts += [changes_told(seed, best), lost, f"### Best prompt\n\n{shown(best)}"]
    if seed is not None:
        told = shown(seed, MAX_SEED) if changed else shown(seed)
        parts.append(f"### Seed prompt\n\n{told}")
    return "\n\n".join(part for part in parts if part)[:MAX_NOTE]


def chosen_prompts(
    record: Record, result: Mapping[str, Any] | None
) -> tuple[Prompt | None, Prompt | None]:
    """The seed prompt and the best one so far."""
    if result is not None:
        seed, best = result["seed_prompt"], result["best_prompt"]
        return Prompt.from_dict(seed), Prompt.from_dict(best)
    seeds = [candidate.prompt for candidate in record.candidates.values()]
    return next(iter(seeds), None), None if record.best is None else record.best.prompt


def outcome_sentence(settings: Mapping[str, Any], result: Mapping[str, Any] | None) -> str:
    """Say how the run came out, with the reason."""
    if result is None:
        state = settings.get("state", "running")
        return f"No verdict yet: the search is {'under way' if state == 'running' else state}."
    told, verdict = outcome(result).reason, result["verdict"] or {"complete": True}
    return told if verdict["complete"] else f"{told} The budget ended before all were measured."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _change(before: float, after: float) -> str:
    return f"{_percent(before)} → {_percent(after)}"


def _answers(verdict: Mapping[str, Any]) -> str:
    """What both prompts answer, against how often it is right; "" where targets are no classes."""
    shares: Mapping[str, list[float]] = verdict.get("shares") or {}
    told = [
        f"{answer} {_change(seed, best)} ({_percent(target)} of the targets)"
        for answer, (target, seed, best) in list(shares.items())[:MAX_ANSWERS]
    ]
    return "; ".join(told + ["…"] * (len(shares) > MAX_ANSWERS))


def _facts(
    settings: Mapping[str, Any], record: Record, result: Mapping[str, Any] | None
) -> dict[str, str]:
    data = settings.get("data", {})
    sizes = ", ".join(f"{data[k]:,} {k}" for k in ("train", "validation", "test") if k in data)
    names = model_names({**settings, **(result or {})})
    facts = {
        "Task": f"{literal(str(settings.get('task')))} ({sizes})",
        "Optimizer": literal(optimizer_name(settings)),
        "Task model": literal(names["model"]),
        "Optimizer model": literal(names["optimizer_model"]),
        "Budget": _budget(settings.get("budget", {})),
        "Candidates": f"{len(record.candidates)} ({len(record.measured)} measured on the whole "
        f"validation split), {len(record.refused)} refused",
    }
    if result is not None:
        scores = result["validation"]
        facts["Spent"] = _spent(result["spent"])
        verdict: Mapping[str, Any] = result["verdict"] or {}
        change = _change(scores["seed"], scores["best"])
        facts["Validation"] = f"{change} (too high: the best prompt was chosen on it)"
        facts["Answers"] = literal(_answers(verdict))
        facts["Form"] = form_gain(verdict)
        judge: Mapping[str, str] = result.get("judge") or {}
        gap: Mapping[str, str] = result.get("gap") or {}
        facts["Metric"] = literal(result.get("metric") or "")
        facts["Judge"] = literal(judge.get("told", ""))
        facts["Gap"] = literal(gap.get("text", ""))
        facts["Noted"] = literal(" ".join(result.get("notes") or ()))
        if "length" in result:  # Results of earlier versions do not say it.
            length = result["length"]
            facts["Length"] = f"{length['seed']:,} → {length['best']:,} characters"
        facts["To use it"] = f"`apo export {settings['id']}`"
    elif record.best and record.best.figures and record.best.figures.score is not None:
        facts["Validation"] = f"{_percent(record.best.figures.score)} so far"
    return {name: text for name, text in facts.items() if text}


def model_names(settings: Mapping[str, Any]) -> dict[str, str]:
    """The names of both models, without passwords in their addresses; "" for unknown ones."""
    model = public_uri(settings.get("model") or "")
    writer = settings.get("optimizer_model")
    return {"model": model, "optimizer_model": public_uri(writer) if writer else model}


def optimizer_name(settings: Mapping[str, Any]) -> str:
    """The optimizer's name."""
    return str(settings["optimizer"]["name"])


def _budget(budget: Mapping[str, Any]) -> str:
    known = {name.removeprefix("max_"): limit for name, limit in budget.items() if limit}
    return ", ".join(
        f"${n:,.2f}" if unit == "usd" else f"{n:,} {unit}" for unit, n in known.items()
    )


def _spent(spent: Mapping[str, Any]) -> str:
    tokens = spent["input_tokens"] + spent["output_tokens"]
    money = "price unknown" if spent["usd"] is None else f"${spent['usd']:,.4f}"
    return f"{spent['calls']:,} calls, {tokens:,} tokens, {money}, {spent['seconds'] / 60:.1f} min"


def _table(facts: Mapping[str, str]) -> str:
    rows = [f"| {name}\u00a0\u00a0 | {_cell(text)} |" for name, text in facts.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
