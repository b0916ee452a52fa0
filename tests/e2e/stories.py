"""What of the pages is typed in other words, with what added, or not at all, and why."""

from collections.abc import Mapping

INSTEAD: Mapping[str, str] = {
    # What stands for what a reader has. Values in braces are of the place where the page is read.
    r"(feedback )TASK( \S)": r"\1tickets\2",
    r"(improve )PROMPT TASK": r"\1deployed.txt tickets",
    r"(feedback tickets )FILE\b": r"\1september.csv",
    r"\bEXPERIMENT\b": "tickets-live",
    r"traces:/apo/\w+": "traces:/tickets-live",
    r"\bTASK\b": "support-tickets",
    r"\b(RUN|CELL)\b": "last",
    r"\bPROMPT\b": "deployed.txt",
    r"\bFILE\b": "complaints.csv",
    r"\bFOLDER watch": ".apo watch",
    r"\bFOLDER\b": "tickets",
    r"--optimizer NAME\b": "--optimizer opro",
    r"init NAME\b": "init named",
    r"check NAME\b": "check named",
    r"compare/NAME\b": "compare/quick",
    r"=…$": "=key",
    r"last:6c8f2d": "last:{candidate}",
    r"0f1f56": "{example}",
    r"with or without VAT": "{text}",
    # Servers of a reader's: apo's own speaks as they do.
    r"http://a:8000/v1,http://b:8000/v1#NAME": "{served}#a",
    r"http://(localhost|127\.0\.0\.1):\d+/v1#": "{served}#",
    # It takes minutes, and a package of 93 MB; tests/models/test_local.py asks a file of weights.
    r"local/smollm2( --max-answer 32)?": "embedded",
    # A sentence leaves out which run or task is meant.
    r"^apo (show|export) --": r"apo \1 last --",
    r"^apo check --": "apo check support-tickets --",
    r"^apo gate --margin$": "apo gate support-tickets deployed.txt changed.json --margin 3",
    r"^apo compare --keep": "apo compare experiments/real.yaml --reuse --keep",
    r"--keep-answers$": "--keep-answers answers.jsonl.xz",
    # A search leaves out other words than these.
    r"grep ape": "grep opro",
    # The words of a shell around a command.
    r"^if (.*); then$": r"\1",
    r"^fi$": "true",
    r"/path/to/ca\.pem": "{certificates}",
    r'"X-Gateway-Key": "…"': '"X-Gateway-Key": "key"',
    # It is said what would be done, and that the target is there; CI runs install, check and test.
    r"^make ": "make --dry-run ",
}
"""What is typed for words of the pages."""

ADDED: Mapping[str, str] = {
    "apo optimize .*--audit-calls": "--audit-calls 60 --max-calls 400 --no-track",
    "apo optimize .*--folds": "--max-calls 200 --no-track",
    r"apo optimize\b": "--max-calls 120 --no-track",
    "apo estimate": "--max-calls 120 --no-track",
    "apo improve": "--max-calls 100 --no-track",
    "apo compare": "--seeds 1 --max-calls 60 --jobs 1 --no-track",
    "apo audit": "--max-calls 30",
    "apo annotate": "--max-calls 60",
}
"""What is added to commands that ask models, so that each is done in a second; their first figures
are read as well. Logging while a run goes on is `tests/e2e/test_journey.py`'s."""

CODES: Mapping[str, int] = {
    "apo optimize .* --review": 1,
    "apo gate .* last|--margin": 1,
    "apo improve .* --json": 4,
}
"""How a command ends where that is not 0, as its page says: nobody can answer in a pipe, the other
prompt is no better, and the prompt that was promoted before is not beaten by so few calls."""

IN_PART: Mapping[str, int] = {"apo judge": 3}
"""How many lines are compared where the others hang on figures: those of a judge that is not here.
Figures and ids are compared nowhere."""

ONCE = r"make|apo (ablate|audit|check|compare|report|runs|sync|trust)\b"
"""What is typed once, and not again where another page tells it in the same words."""

_BENCH = "experiments/results/README.md"
ELSEWHERE: Mapping[str, str] = {
    # What checks and tests, and what sets up a shell: CI does it in an environment of its own.
    r"(pre-commit|ruff|mypy|pyright|pytest|source) .*": "Makefile",
    r"pip-audit .*": "Makefile",
    # The network: that the extras are there is looked up, and what is said where a package is not.
    r"pip install .*": "tests/test_optional.py",
    # What goes on for ever, or asks another program that is not here.
    r"python -m apo": "tests/e2e/test_journey.py",
    r"python -m apo\.testing\.server .*": "tests/models/test_server.py",
    r"python -m apo\.tracking\.follower": "tests/tracking/test_follower.py",
    r"mlflow (models serve|server|ui).*|curl .*": "tests/tracking/test_registered.py",
    r"llama-server .*": "tests/models/test_local.py",
    r"keyring .*": "tests/test_secrecy.py",
    r"optuna-dashboard .*": "tests/bridges/test_optuna_study.py",
    r"sh winner\.sh .*": "tests/prompts/test_official_parsers.py",
    r"(createuser|createdb|echo 'db\.|export (PGPASSWORD|MLFLOW_TRACKING_URI)).*":
        "tests/e2e/test_postgresql.py",
    r"apo (sync|optimize) .*example\.com.*": "tests/e2e/test_postgresql.py",
    r"ray start.*|apo compare .*--on ray.*": "tests/e2e/test_ray.py",
    r"apo optimize .*dspy:.*": "tests/bridges/test_dspy_optimizers.py",
    r"apo optimize .*--batch .*": "tests/e2e/test_batch.py",
    r"apo check .*--model mine/NAME": "tests/test_plugins.py",
    # Scripts of minutes to hours. What is quick in them has tests of its own.
    r"python -m experiments\.house": "tests/test_architecture.py",
    r"python -m experiments\.messages": "tests/test_language.py",
    r"python -m experiments\.equal_table": "tests/scorers/test_equal_table.py",
    r"python -m experiments\.agreement": "tests/scorers/test_agreement.py",
    r"python -m experiments\.served_model": "tests/tracking/test_registered.py",
    r"python -m experiments\.round_trips": "tests/prompts/test_round_trips.py",
    r"python -m experiments\.mended": "tests/programs",
    r"sh experiments/loop\.sh .*": "tests/e2e/test_loop.py",
    r"sh experiments/captures\.sh .*": "tests/e2e/test_korean.py",
    r"python -m terrarium .*|export APO_OPTIMIZER=.*": "tests/test_on_terrarium.py",
    r"python experiments/benchmarks/faults/run\.py.*": "tests/faults/test_faults.py",
    r"python experiments/benchmarks/trust_fuzz\.py": "tests/test_trust_fuzz.py",
    r"python experiments/benchmarks/data_files\.py": "tests/data",
    r"python experiments/benchmarks/headroom\.py": "tests/test_headroom.py",
    r"(APO_BENCH_DATA=… )?python experiments/benchmarks/peers/run\.py.*": _BENCH,
    r"python experiments/benchmarks/(audit|edits|choice|solvers|testbed)\.py.*": _BENCH,
    r"python experiments/benchmarks/small_model\.py": _BENCH,
    r"APO_BENCH_DATA=… python experiments/benchmarks/first_calls\.py .*":
        "tests/test_first_calls.py",
    r"(APO_BENCH_DATA=… )?apo compare experiments/(published|newest|real)\.yaml --no-track .*":
        "tests/compare/test_settings.py",
    r"APO_BENCH_DATA=… apo compare experiments/real(_optimizers)?\.yaml .*|T=\S+":
        "tests/compare/test_real_replay.py",
}  # fmt: skip
"""What is not typed here, and what does it, or holds what came of it."""
