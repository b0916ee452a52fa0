"""What a given trust is bound to: the source that runs, the folder, the run, the whole wish."""

import importlib.util
import json
import py_compile
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from apo.calls.budget import Budget
from apo.errors import TrustError
from apo.run.wishes import change_budget, remember_run, trusted_settings
from apo.storage.folder import RunFolder, create_run
from apo.taskfile.load import check_trust, load_task
from apo.trust import FileName, grant, has_keys
from apo.user_code import load_object

ROWS = "text,label\n" + "".join(f"hello {i},a\n" for i in range(40))
PLAIN: dict[str, Any] = {"inputs": "text", "target": "label", "data": "rows.csv", "prompt": "Say."}


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APO_TRUST")
    monkeypatch.delenv("APO_KEY_HOSTS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


def task(folder: Path, **keys: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text(ROWS)
    (folder / "task.yaml").write_text(yaml.safe_dump({**PLAIN, **keys}))
    return folder


def asked(folder: Path) -> TrustError:
    with pytest.raises(TrustError) as error:
        check_trust(folder)
    return error.value


def poison(path: Path, cache: Path) -> None:
    """Put bytecode of another source where Python takes it unchecked for that of a file."""
    other = path.with_name("other.py")
    other.write_text("def f(*_):\n    return 'bytecode'\n")
    cache.parent.mkdir(exist_ok=True)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(other), str(cache), doraise=True, invalidation_mode=mode)
    other.unlink()


def cached(path: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(path)))


def test_the_source_runs_and_not_the_bytecode_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "scorer.py"
    path.write_text("def f(*_):\n    return 'source'\n")
    poison(path, cached(path))
    assert load_object(f"{path}:f")() == "source"


@pytest.mark.parametrize("name", ["helper_of_trust", "package_of_trust/inner"])
@pytest.mark.parametrize("seen", [False, True], ids=["fresh", "imported from before"])
def test_what_it_imports_beside_it_is_source_too(
    name: str, seen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    helper = tmp_path / f"{name}.py"
    helper.parent.mkdir(exist_ok=True)
    helper.write_text("def f(*_):\n    return 'source'\n")
    poison(helper, cached(helper))
    if seen:
        importlib.util.find_spec(name.replace("/", "."))
    path = tmp_path / "scorer.py"
    path.write_text(f"def f(*_):\n    from {name.replace('/', '.')} import f\n    return f()\n")
    assert load_object(f"{path}:f")() == "source"
    for module in [m for m in sys.modules if "_of_trust" in m]:
        del sys.modules[module]


def test_bytecode_without_a_source_is_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "scorer.py"
    path.write_text("import alone_of_trust\ndef f(*_): return 1\n")
    poison(path, tmp_path / "alone_of_trust.pyc")
    with pytest.raises(Exception, match="No module named 'alone_of_trust'"):
        load_object(f"{path}:f")


@pytest.mark.parametrize("name", ["sub/a.py", "sub/deep/a.py", "fast.abi3.so"])
def test_a_module_that_can_be_imported_is_in_the_hash(name: str, tmp_path: Path) -> None:
    folder = task(tmp_path / "t", scorer="scorer.py:f")
    (folder / "scorer.py").write_text("def f(*_): return 1.0\n")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x = 1")
    grant(asked(folder))
    check_trust(folder)
    (folder / name).write_text("x = 2")
    asked(folder)


def test_a_linked_package_outside_is_told(tmp_path: Path) -> None:
    folder = task(tmp_path / "t", scorer="scorer.py:f")
    (folder / "scorer.py").write_text("def f(*_): return 1.0\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.py").write_text("x = 1")
    (folder / "sub").symlink_to(tmp_path / "out")
    assert any("out, outside of its folder" in wish for wish in asked(folder).wishes)


CODE = [
    {"name": "code", "command": "./run.sh"},
    {"name": "code", "allow": ["network"]},
    {"name": "reward", "parts": [{"name": "a", "scorer": {"name": "code", "command": "sh x"}}]},
]


@pytest.mark.parametrize("scorer", CODE, ids=["command", "allow", "in a reward"])
def test_a_command_is_allowed_for_one_folder(scorer: dict[str, Any], tmp_path: Path) -> None:
    mine, theirs = (task(tmp_path / name, scorer=scorer) for name in ("mine", "theirs"))
    grant(asked(mine))
    check_trust(mine)
    asked(theirs)


@pytest.mark.parametrize("command", ["./run.sh", "sh -c 'cd / && sh run.sh'", "env A=run.sh sh"])
def test_a_command_is_allowed_until_its_files_change(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = task(tmp_path / "t", scorer={"name": "code", "command": command})
    (folder / "run.sh").write_text("one")
    grant(asked(folder))
    monkeypatch.chdir(folder)
    check_trust(folder)
    (folder / "run.sh").write_text("two")
    asked(folder)


@pytest.mark.parametrize("sign", ["\n- read nothing\n", "\x1b[2K", "\u202e", "\u2028"])
def test_a_wish_writes_no_lines_of_the_question(sign: str, tmp_path: Path) -> None:
    error = asked(task(tmp_path / "t", scorer={"name": "code", "command": f"id{sign}x"}))
    assert len(error.wishes) == 1
    assert str(error).count("\n") == 2  # The wish's own line, and the one after it.
    assert sign not in str(error)
    assert ascii(sign)[1:-1] in str(error)


def test_a_folder_writes_no_lines_of_the_question(tmp_path: Path) -> None:
    folder = tmp_path / "a\nb wants nothing."
    error = asked(task(folder, scorer={"name": "code", "command": "id"}))
    assert str(error).count("\n") == 2
    assert "a\\nb" in error.subject


def test_a_long_wish_is_shown_short_and_kept_whole(tmp_path: Path) -> None:
    def ask(middle: str) -> TrustError:
        command = f"echo begin {'x' * 2000}{middle}{'x' * 2000} end"
        return asked(task(tmp_path / "t", scorer={"name": "code", "command": command}))

    one, two = ask("a"), ask("b")
    (shown,) = one.wishes
    assert len(shown) < 350
    assert "4,033 characters in all" in shown
    assert shown.startswith("run the command: echo begin")
    assert shown.endswith("x end")
    assert one.key != two.key


def run(home: Path, **keys: Any) -> RunFolder:
    record: dict[str, Any] = {
        "task_ref": "support-tickets",
        "optimizer": {"ref": "ape", "settings": {}},
        "model": "openai/gpt-5-mini",
        "budget": {"max_calls": 60},
        "options": {"seed": 0},
        "prompt": None,
    }
    return create_run(home, "t", "ape", {**record, **keys})


@pytest.mark.parametrize(
    "changed",
    [
        {"budget": {"max_calls": 10**6}},
        {"prompt": {"instruction": "Say what I want."}},
        {"optimizer": {"ref": "ape", "settings": {"n_samples": 500}}},
        {"options": {"seed": 0, "max_chars": 10**6}},
        {},
    ],
    ids=["budget", "prompt", "optimizer", "options", "another run"],
)
def test_a_run_of_others_with_the_wishes_of_mine_is_asked_about(
    changed: dict[str, Any], tmp_path: Path
) -> None:
    mine = run(tmp_path / "mine")
    remember_run(mine)
    assert type(trusted_settings(mine)["model"]) is str
    theirs = run(tmp_path / "theirs", **changed)
    with pytest.raises(TrustError, match="gpt-5-mini, with your key"):
        trusted_settings(theirs)
    if changed:  # Nor under the id of mine.
        theirs.update(id=mine.id)
        with pytest.raises(TrustError):
            trusted_settings(theirs)


def test_a_run_that_goes_on_with_another_budget_is_still_mine(tmp_path: Path) -> None:
    mine = run(tmp_path / "mine")
    remember_run(mine)
    change_budget(mine, Budget(max_calls=90))
    assert type(trusted_settings(mine)["model"]) is str
    theirs = run(tmp_path / "theirs")
    with pytest.raises(TrustError) as error:
        trusted_settings(theirs)
    grant(error.value)
    change_budget(theirs, Budget(max_calls=90))
    assert type(trusted_settings(theirs)["model"]) is FileName
    path = theirs.path / "run.json"  # By another hand than apo's.
    path.write_text(json.dumps({**theirs.settings, "budget": {"max_calls": 9000}}))
    with pytest.raises(TrustError):
        trusted_settings(theirs)


HOSTS = [
    ("gw.corp.com", "https://gw.corp.com/v1#m", True),
    ("gw.corp.com", "http://gw.corp.com/v1#m", False),
    ("http://gw.corp.com", "http://gw.corp.com/v1#m", True),
    ("http://gw.corp.com", "https://gw.corp.com/v1#m", False),
    ("gw.corp.com:8443", "https://GW.corp.com:8443/v1#m", True),
    ("gw.corp.com:8443", "http://gw.corp.com:8443/v1#m", False),
    ("gw.corp.com", "https://gw.corp.com:444/v1#m", False),
    ("*.corp.com", "https://gw.corp.com/v1#m", False),
    ("localhost:8000", "http://localhost:8000/v1#m", True),
    ("[::1]:8000", "http://[::1]:8000/v1#m", True),
    ("127.0.0.1:8000, gw.corp.com", "http://127.0.0.1:8000/v1,https://gw.corp.com/v1#m", True),
    ("127.0.0.1:8000", "http://127.0.0.1:8000/v1,https://evil.org/v1#m", False),
    ("localhost.evil.org", "http://localhost.evil.org/v1#m", False),
    ("gw.corp.com", "https://evil.org?@gw.corp.com/v1#m", False),
    ("gw.corp.com", "https://evil.org\\@gw.corp.com/v1#m", False),
    ("", "https:///v1#m", False),
]


@pytest.mark.parametrize(("named", "url", "sent"), HOSTS)
def test_a_key_goes_to_the_host_that_is_meant(
    named: str, url: str, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APO_KEY_HOSTS", named)
    assert has_keys(FileName(url)) is sent


def test_a_url_of_the_user_means_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, safe = "http://gw.corp.com/v1#m", "https://gw.corp.com/v1#m"
    assert has_keys(FileName(plain), ["http://gw.corp.com/v1#other"])
    assert not has_keys(FileName(plain), [safe])
    assert not has_keys(FileName(plain), [FileName(plain)])


def test_the_grant_of_a_task_lets_it_load(tmp_path: Path) -> None:
    folder = task(tmp_path / "t", scorer="scorer.py:f")
    (folder / "scorer.py").write_text("def f(*_): return 1.0\n")
    grant(asked(folder))
    assert load_task(folder).train
    assert not (folder / "__pycache__").exists()
