"""What README and tutorial tell to type is typed, on a file as they describe it, offline."""

import csv
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import Done
from tests.test_site import ROOT, commands

WORDS = {"billing": "invoice card paid", "technical": "crash error screen", "sales": "offer quote"}
SPENT = {
    "estimate": ["--max-calls", "60"],
    "optimize": ["--max-calls", "90", "-o", "opro", "--no-track"],
}
"""What stands in the place of a limit in dollars."""
LESS = {"audit": ["--max-calls", "20"]}
"""What is added, to be done sooner."""
ELSEWHERE = {"ui", "init", "--folds", "local/smollm2"}
"""What other tests do: a server, what was done before, a model of 127 MB."""


def typed(words: list[str]) -> list[str]:
    """A command of a page, asked of the embedded model."""
    offline = ["embedded" if word.startswith("openai/") else word for word in words]
    if "--max-usd" in offline:
        at = offline.index("--max-usd")
        offline[at : at + 2] = SPENT[words[0]]
    return [*offline, *LESS.get(words[0], [])]


def test_what_readme_and_tutorial_tell_works(here: Callable[..., Done]) -> None:
    with Path("complaints.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [(f"case {n}: {word}", team) for team, words in WORDS.items()
                for word in words.split() for n in range(9)]  # fmt: skip
        csv.writer(file).writerows([("text", "team"), *rows])
    pages = ROOT / "docs/tutorial.md", ROOT / "README.md"
    walk = [words for page in pages for words in commands(page)]
    assert walk[0][0] == "init"
    done = {"init"}
    assert here(*walk[0]).code == 0
    for words in walk[1:]:
        if not ELSEWHERE & {*words}:
            found = here(*typed(words))
            assert found.code in (0, None), (words, found)
            done.add(words[0])
    assert {"check", "optimize", "export", "evaluate", "audit", "ablate"} <= done
