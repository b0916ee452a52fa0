"""The tables of where solvers and edits help are those that the scripts write."""

from apo.scorers.code import program_in
from experiments.benchmarks import edits
from experiments.benchmarks.solver_trials import embedded
from experiments.benchmarks.solvers import PAGE, embedded_rows, lines, simulated_rows, small_rows
from experiments.benchmarks.trials import table_of


async def here(answer: str) -> str:
    """What a program of a simulated reader gives, without a sandbox around it."""
    space: dict[str, object] = {}
    exec(program_in(answer), space)
    solution = space["solution"]
    assert callable(solution)
    return str(solution())


def test_simulated_readers_are_helped_left_alone_and_harmed() -> None:
    found = simulated_rows(here)
    assert table_of(PAGE, "solvers") == lines(found), "python experiments/benchmarks/solvers.py"
    for row in found:
        helps, idle, harms = (
            [int(bound) for bound in cell.rpartition("(")[2].partition(")")[0].split(" to ")]
            for cell in (row["where it should help (points)"], row["where it has nothing to do"],
                         row["where it harms"])
        )  # fmt: skip
        assert helps[0] > 0, row["solver"]
        assert idle[0] < 0 < idle[1], row["solver"]
        assert harms[1] < 0, row["solver"]


def test_the_embedded_model_is_as_the_page_says() -> None:
    written = table_of(PAGE, "solvers-embedded")
    tried = [trial for trial in embedded() if trial.solver in ("react", "program-aided")]
    for line in lines(embedded_rows(tried)):
        assert line in written, "python experiments/benchmarks/solvers.py"


def test_the_small_model_is_told_as_it_was_recorded() -> None:
    assert table_of(PAGE, "solvers-small") == lines(small_rows())
    written = table_of(edits.PAGE, "edits")
    for row in [*edits.small_rows(), *edits.rows_of("simulated", edits.simulated()[:2])]:
        assert edits.line_of(row) in written, "python experiments/benchmarks/edits.py"
