"""`apo optimizers`: what there is, and how to set it."""

import json

import pytest
from typer.testing import CliRunner

from apo.cli import app
from apo.errors import SettingsError
from apo.optimizers import BY_NAME


def test_all_are_listed_each_with_an_idea_of_its_own() -> None:
    done = CliRunner().invoke(app, ["optimizers", "--json"])
    told = json.loads(done.stdout)
    assert list(told)[: len(BY_NAME)] == list(BY_NAME)
    ideas = [told[name]["idea"] for name in BY_NAME]
    assert len(set(ideas)) == len(ideas)
    assert all(20 < len(idea) < 200 for idea in ideas)


def test_settings_are_shown_as_they_are_given() -> None:
    done = CliRunner().invoke(app, ["optimizers", "gepa"])
    assert "arxiv.org/abs/2507.19457" in done.stdout
    assert "--set components=instruction" in done.stdout
    assert "--set minibatch_size=3" in done.stdout


def test_an_unknown_name_is_an_error_with_near_ones() -> None:
    done = CliRunner().invoke(app, ["optimizers", "gep"])
    assert isinstance(done.exception, SettingsError)
    assert "Did you mean 'gepa'" in str(done.exception)
    with pytest.raises(SettingsError):
        raise done.exception
