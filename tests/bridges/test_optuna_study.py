"""A search as a study of Optuna, and the page of the documentation about it."""

import re
from pathlib import Path

import optuna
import pytest

import apo
from apo.cli import app
from apo.errors import RunError, SettingsError
from apo.optimizers.ape import APE
from apo.storage.folder import find_run
from apo.storage.record import read_record
from apo.testing import OptimizerSuite
from tests.commands import RUNNER

PAGE = Path(__file__).parents[2] / "docs/optuna.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    OptimizerSuite().run(home, APE(), 300)
    return home


def test_each_candidate_is_a_trial(home: Path) -> None:
    study = apo.to_optuna("last", home=home)
    record = read_record(find_run("last", home).journal_path)
    best = record.ranked[0]
    assert best.figures is not None
    [trial] = [t for t in study.trials if t.user_attrs["candidate"] == best.id]
    assert trial.value == study.best_value == best.figures.score
    assert trial.params["characters"] == len(best.prompt.instruction)
    measured = [c for c in record.candidates.values() if c.figures]
    assert len(study.trials) == len(measured) > 3
    calls = [t.user_attrs["calls"] for t in study.trials if t.state.name == "COMPLETE"]
    assert calls == sorted(calls)
    assert study.trials[0].params["operator"] == "seed"
    assert optuna.importance.get_param_importances(study).keys() <= set(study.best_trial.params)


def test_it_is_written_to_a_database_once(home: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    command = ["--home", str(home), "export", "last", "--out", url]
    done = RUNNER.invoke(app, command)
    assert done.exit_code == 0
    assert "optuna-dashboard sqlite:///" in done.stderr
    kept = optuna.load_study(study_name=find_run("last", home).id, storage=url)
    assert kept.best_value == apo.to_optuna(home=home).best_value
    assert isinstance(RUNNER.invoke(app, command).exception, SettingsError)
    assert "give RUN alone" in str(RUNNER.invoke(app, [*command, "--best"]).exception)


def test_what_cannot_be_told_is_said(home: Path) -> None:
    with pytest.raises(RunError, match="no run 'gone'"):
        apo.to_optuna("gone", home=home)
    with pytest.raises(SettingsError, match=r"cannot be written to nosuch://\*\*\*@here"):
        apo.to_optuna("last", "nosuch://me:secret@here", home=home)


@pytest.mark.slow
def test_the_page_works(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".apo").symlink_to(home)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    study = names["study"]
    assert isinstance(study, optuna.Study)
    assert len(study.trials) == 6
    assert study.best_value > 0.2
