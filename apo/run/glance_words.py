"""A glance at a run in words, for terminals, pipes and notebooks alike."""

from apo.display.figures import clock, dollars, percent
from apo.language.catalogue import message
from apo.run.glance import Glance, Speed
from apo.storage.candidate import Candidate

PHASES = {
    "start": message("loading"),
    "seed": message("measuring the seed prompt"),
    "search": message("searching"),
    "verdict": message("verdict on the test split"),
    "evaluate": message("measuring"),
    "logging": message("logging to MLflow"),
    "done": message("done"),
}
DOING = {
    "task": message("answering"),
    "optimizer": message("writing prompts"),
    "fallback": message("writing prompts in its place"),
    "judge": message("judging"),
}
"""What attempts in a role do."""


def score_of(candidate: Candidate) -> float | None:
    """A candidate's score on validation; of one measured in part, on what was measured."""
    if candidate.whole is not None:
        return float(candidate.whole["value"])
    return None if candidate.figures is None else candidate.figures.score


def text_of(candidate: Candidate) -> str:
    """The instruction of a candidate in one line; of a program, its steps one after the other."""
    return " ".join(" ".join(p.instruction for p in candidate.prompt.steps.values()).split())


def status(glance: Glance) -> str:
    """The phase, the best score, and what is waited for."""
    parts, best = [PHASES[glance.phase]], glance.best
    if best is not None and best.whole is not None:
        n, tried = best.whole["n"], glance.n_candidates
        parts.append(f"best {percent(score_of(best))} on {n} validation example{'s' * (n != 1)}")
        parts.append(message(f"{tried} candidate{'s' * (tried != 1)}"))
    parts += [glance.waiting] if glance.waiting else []
    parts += [message(f"last problem: {glance.problem}")] if glance.problem else []
    return " · ".join(parts)


def under_way(glance: Glance) -> str:
    """What is under way, and for how long, or how long ago the last answer came; "" for neither."""
    if glance.since is not None:
        return f"the last answer came {clock(glance.since)} ago"
    return " · ".join(
        message(f"{n} {DOING.get(role, role)} (for {clock(longest)})")
        for role, (n, longest) in sorted(glance.under_way.items(), key=lambda one: -one[1][1])
    )


def spent(glance: Glance) -> str:
    """What was spent, without the limits; "" before anything was."""
    found = glance.spent
    if not found.calls and not glance.seconds:
        return ""
    return message(
        f"{found.calls:,} call{'s' * (found.calls != 1)}, {found.tokens:,} tokens, "
        f"{dollars(found.usd)}, {clock(glance.seconds)}"
    )


def pace(rate: float) -> str:
    """Say how fast calls are answered: calls a second, or seconds a call.

    Args:
        rate: calls a second; 0 where none has been answered yet.
    """
    if rate <= 0:
        return message("no answer yet")
    if rate >= 1:
        told = f"{rate:.0f}"
        return message(f"{told} call{'s' * (told != '1')}/s")
    return message(f"{1 / rate:.1f} s a call")


def written(speed: Speed) -> str:
    """Say how fast answers are written; "" where nothing is known."""
    return message(f"{speed.written:,.0f} tokens/s") if speed.written >= 1 else ""


def left(glance: Glance, speed: Speed) -> str:
    """Say how long it may take until a limit is reached; "" where that is not known."""
    seconds = speed.seconds_left(glance)
    return (
        ""
        if seconds is None or glance.phase in ("logging", "done")
        else f"at most {clock(seconds)} left"
    )


def answers(glance: Glance) -> str:
    """How many answers were kept, how much of the requests was cached, how many attempts failed."""
    found = glance.spent
    if not found.calls:
        return ""
    cached = found.cached_tokens / found.input_tokens if found.input_tokens else 0.0
    failed = found.retries / (found.calls + found.retries)
    return (
        f"{glance.kept:,} kept · {percent(cached)} of tokens cached · "
        f"{percent(failed)} of attempts failed"
    )


def proposal(candidate: Candidate) -> str:
    """The score of a proposal, and on how many examples; "–" before it was measured."""
    figures = candidate.figures
    return "–" if figures is None else f"{percent(score_of(candidate))} ({figures.n})"
