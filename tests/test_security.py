"""What docs/security.md promises, held by tests: secrets, code, paths, templates, terminals."""

import ast
import base64
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pytest
import yaml

from apo.errors import ApoError, AuthenticationError, SettingsError, TaskError
from apo.model import Message, Request
from apo.models import open_model
from apo.models.address import Address
from apo.models.base_url import public_name
from apo.models.failures import failure
from apo.models.providers import locate
from apo.prompts.prompt import Prompt
from apo.storage.folder import find_run
from apo.taskfile.load import load_task
from apo.tracking.environment import public_uri

KEY = "sk-Qx7vT9w+Lm2ZpR4nB/y8Kd=="
LOGIN = "user:pass-word-Zq81"
ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for folder in ("apo", "optimizers", "tasks") for path in (ROOT / folder).rglob("*.py")
    if not any(parent.is_symlink() for parent in path.parents)
)  # fmt: skip
HERE = Address(
    name="openai/m", model="m", url="http://h/v1", key_variable="OPENAI_API_KEY", key=KEY
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("OPENAI_API_KEY", "APO_API_KEY", "APO_BASIC_AUTH", "OPENAI_BASE_URL", "APO_HEADERS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", _keyring({}))


def _keyring(held: dict[tuple[str, str], str], failure: Exception | None = None) -> ModuleType:
    """A module that stands in for keyring, and for its errors."""

    def get_password(service: str, user: str) -> str | None:
        if failure is not None:
            raise failure
        return held.get((service, user))

    module = ModuleType("keyring")
    module.__spec__ = ast.__spec__  # Installed, whatever it is.
    module.get_password = get_password  # type: ignore[attr-defined]
    return module


# Secrets


def test_a_key_is_taken_from_the_keyring_when_the_environment_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = {("apo", "OPENAI_API_KEY"): f"{KEY}\n"}
    monkeypatch.setitem(sys.modules, "keyring", _keyring(held))
    assert locate("openai/m").key == KEY
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    assert locate("openai/m").key == "sk-of-the-environment"


def test_headers_go_to_a_gateway_alone_and_are_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("APO_HEADERS", '{"X-Gateway-Key": "gw-Zq81-pass-word"}')
    assert "X-Gateway-Key" not in locate("openai/m").headers
    for name, stated in (("http://h/v1#m", ""), ("openai/m", "http://h/v1")):
        monkeypatch.setenv("OPENAI_BASE_URL", stated)
        address = locate(name)
        assert address.headers["X-Gateway-Key"] == "gw-Zq81-pass-word"
        said = failure(address, 403, {}, "Not for gw-Zq81-pass-word, sorry.")
        assert "gw-Zq81" not in f"{said} {address!r}"


@pytest.mark.parametrize(
    "stated", ["X: secret-1", '["secret-1"]', '{"Host": "secret-1"}', '{"X": "secret-1\\n"}',
               '{"X Y": "secret-1"}', '{"X": ["secret-1"]}'],
)  # fmt: skip
def test_unusable_headers_are_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, stated: str
) -> None:
    monkeypatch.setenv("APO_HEADERS", stated)
    with pytest.raises(SettingsError, match="APO_HEADERS") as caught:
        locate("http://h/v1#m")
    assert "secret-1" not in str(caught.value)


def test_a_keyring_that_fails_says_so_and_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", _keyring({}, RuntimeError(f"locked: {KEY}")))
    with pytest.raises(AuthenticationError, match="keyring cannot be read") as caught:
        locate("openai/m")
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_without_a_key_the_error_says_where_to_put_one() -> None:
    with pytest.raises(AuthenticationError, match="keyring set apo OPENAI_API_KEY"):
        locate("openai/m")


def test_a_login_that_a_name_has_lost_is_found_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = locate(f"http://{LOGIN}@h/v1#m")
    monkeypatch.setenv("APO_BASIC_AUTH", LOGIN)
    again = locate(given.name)
    assert given.name == "http://h/v1#m"
    assert again == given


def _written(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield from (secret, secret.lower(), quote(secret, safe=""), data.hex(), secret[4:-3])
    for before in (b"", b"a:", b"u", b"user:"):
        yield base64.b64encode(before + data).decode()
        yield base64.urlsafe_b64encode(before + data + b"\n").decode()
    for mask in ("***", "*********", "...", "…", "xxxxxxxx", "••••"):
        yield secret[:5] + mask + secret[-4:]


@pytest.mark.parametrize("shown", [*_written("sk-Qx7vT9w+Lm2ZpR4nB/y8KdW3")])
def test_a_server_that_shows_the_key_in_any_form_is_not_quoted(shown: str) -> None:
    key = "sk-Qx7vT9w+Lm2ZpR4nB/y8KdW3"
    address = Address(name="openai/m", model="m", url="http://h/v1", key_variable="K", key=key)
    for text in (shown, f"Incorrect API key: {shown}.", f"key={shown}&x=1", f'{{"k": "{shown}"}}'):
        for body in (text, {"error": {"message": text}}):
            said = str(failure(address, 401, {}, body))
            for piece in (shown[2:12], shown[-9:-1]):
                assert piece not in said
    assert "Try later, please." in str(failure(address, 429, {}, "Try later, please."))


def test_a_proxys_password_is_not_shown() -> None:
    assert "geheim" not in HERE.redact("Cannot connect to proxy http://me:geheim@proxy:3128 [x]")


def _chain(error: BaseException) -> str:
    """An error with all that it brings along: causes, contexts, and the values of all frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize("transport", ["aiohttp", "openai"])
@pytest.mark.parametrize("login", [False, True])
def test_an_error_of_a_call_brings_no_key_along(
    transport: str, login: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncio

    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("APO_API_KEY", KEY)
    monkeypatch.setenv("MODEL", f"http://{f'{LOGIN}@' * login}127.0.0.1:9/v1#m")
    request = Request(messages=(Message("user", "hi"),))

    async def ask() -> BaseException:
        model = open_model(os.environ["MODEL"], transport=transport)  # type: ignore[arg-type]
        try:
            await model.complete(request)
        except ApoError as error:
            return error
        finally:
            await model.aclose()
        raise AssertionError("nothing listens on that port")

    said = _chain(asyncio.run(ask())) + caplog.text
    secrets = [KEY, "pass-word-Zq81", base64.b64encode(LOGIN.encode()).decode()]
    assert not [secret for secret in secrets if secret in said]


def test_what_holds_a_key_does_not_show_it() -> None:
    assert KEY not in repr(HERE) + str(HERE) + repr([HERE]) + repr(open_model)
    login = locate(f"http://{LOGIN}@h/v1#m")
    assert "Zq81" not in repr(login)


@pytest.mark.parametrize(
    "name",
    ["http://u:Zq81@h/v1#m", "http://u:Zq81@a/v1,http://v:Zq81@b/v1#m", "https://Zq81@h:1/v1#a/b"],
)
def test_a_models_public_name_has_no_login(name: str) -> None:
    assert "Zq81" not in public_name(name)


@pytest.mark.parametrize(
    "uri",
    [
        "http://u:Zq81@h:5000",
        "https://Zq81@h/x?y=1",
        "postgresql://u:Zq81@h/db",
        "postgresql+psycopg2://u:a/Zq81@h/db",
        "postgresql://h/db?user=u&password=Zq81",
        "mysql://u:Zq81@h/db?ssl=1",
    ],
)
def test_a_tracking_uri_is_shown_without_its_password(uri: str) -> None:
    assert "Zq81" not in public_uri(uri)
    assert "h" in public_uri(uri)


@pytest.mark.parametrize("url", ["http://u:1/Zq81@h/v1#m", "http://u:Zq81/x@h/v1#m"])
def test_a_password_that_breaks_the_url_is_not_shown_in_the_error(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        locate(url)
    assert "Zq81" not in str(caught.value)


# Code

FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {
    "system", "popen", "read_pickle", "to_pickle", "unsafe_load", "full_load", "exec_module",
    "load_module", "run_path", "run_module", "mktemp", "from_string", "extractall",
}  # fmt: skip
ALLOWED = {
    ("apo/user_code.py", "exec_module"),  # The user's own file, which the user names.
    ("apo/prompts/meta_prompts.py", "from_string"),  # In jinja's sandbox: the test below.
    # Programs to be scored, in a process that has closed itself in before (apo.scorers.jail).
    *(("apo/scorers/examiner.py", call) for call in ("compile", "exec")),
    *(("apo/scorers/unit_tests.py", call) for call in ("compile", "eval", "exec")),
}


def _faults(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_IMPORTS)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in FORBIDDEN_IMPORTS:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from _faults_of_call(node)


def _faults_of_call(node: ast.Call) -> Iterator[str]:
    match node.func:
        case ast.Name(id=name) if name in FORBIDDEN_CALLS:
            yield name
        case ast.Attribute(attr=name) if name in FORBIDDEN_METHODS:
            yield name
        case ast.Attribute(value=ast.Name(id="yaml"), attr="load"):
            loaders = [ast.unparse(argument) for argument in node.args[1:]]
            if loaders != ["_Loader"]:
                yield "yaml.load"
        case _:
            pass
    for keyword in node.keywords:
        value = keyword.value
        if keyword.arg in ("shell", "allow_pickle", "trust_remote_code") and not (
            isinstance(value, ast.Constant) and value.value is False
        ):
            yield keyword.arg


def test_no_module_runs_text_as_code() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), fault)
        for path in SOURCES
        for fault in _faults(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == ALLOWED


def test_the_search_for_such_code_finds_it() -> None:
    bad = "import pickle.x\nfrom dill import y\neval('1')\nos.system('x')\nrun(shell=True)\n"
    bad += "yaml.load(a, yaml.Loader)\nyaml.load(a)\nnp.load(a, allow_pickle=flag)\n"
    assert len(list(_faults(ast.parse(bad)))) == 8


def test_the_only_yaml_loader_is_a_safe_one() -> None:
    from apo.taskfile import yaml_file

    loader = vars(yaml_file)["_Loader"]
    assert issubclass(loader, yaml.SafeLoader)
    assert not any("python" in str(tag) for tag in loader.yaml_constructors)


# Paths

OUTSIDE = ["../secret.csv", "data/../../secret.csv", "link.csv", "sub/../link.csv", "a\0b.csv"]


@pytest.mark.parametrize("key", ["data", "prompt_file"])
@pytest.mark.parametrize("name", [*OUTSIDE, "C:\\secret.csv", "..\\secret.csv", "~/secret.csv"])
def test_a_file_of_a_task_lies_in_its_folder(key: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("text,label\nhidden,a\n" * 50)
    folder = tmp_path / "task"
    (folder / "data").mkdir(parents=True)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "rows.csv").write_text("text,label\n" + "".join(f"row {i},a\n" for i in range(50)))
    lines = {"inputs": "text", "target": "label", "prompt": "Answer.", "data": "rows.csv"}
    lines |= {key: name}
    if key == "prompt_file":
        del lines["prompt"]
    (folder / "task.yaml").write_text(yaml.safe_dump(lines))
    with pytest.raises(TaskError) as caught:
        load_task(folder)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", ["/etc/passwd", "../scorer.py:score", "link.py:score"])
def test_a_scorer_of_a_task_file_lies_in_its_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "scorer.py").write_text("def score(output, example): return 1.0\n")
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "link.py").symlink_to(tmp_path / "scorer.py")
    (folder / "rows.csv").write_text("text,label\n" + "".join(f"row {i},a\n" for i in range(50)))
    lines = {"inputs": "text", "target": "label", "prompt": "Answer.", "data": "rows.csv"}
    (folder / "task.yaml").write_text(yaml.safe_dump({**lines, "scorer": name}))
    with pytest.raises(TaskError):
        load_task(folder)


@pytest.mark.parametrize("name", ["../outside", "..", "/", "a/../../outside", "\0", "outside"])
def test_a_runs_name_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    for place in ("runs/one-a-1", "runs/one-a-2", "outside"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "run.json").write_text("{}")
    with pytest.raises(ApoError):
        find_run(name, tmp_path)


# Templates

HOSTILE = "{{ 7*7 }}{% raw %}{text}{0}%s%(x)s$HOME${text}{{text}}{# c #}<b>[red]"


def test_hostile_text_is_sent_word_for_word() -> None:
    prompt = Prompt(HOSTILE, context=HOSTILE.replace("{{text}}", ""), template="{{text}}")
    with pytest.raises(ApoError, match="7\\*7"):  # The context is the user's own template.
        prompt.messages({"text": HOSTILE})
    system, user = Prompt(HOSTILE, template="{{text}}").messages({"text": HOSTILE})
    assert (system.content, user.content) == (HOSTILE, HOSTILE)


# Terminals, tables, pages

ESCAPES = "\x1b[2J\x1b]8;;http://evil\x07click\x1b]8;;\x07\x9b31m\u202egpj.exe [red]x[/red]\r"


def test_texts_do_not_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from apo.cli import console as c

    screen = type(c.results)(force_terminal=True, color_system="truecolor", width=60)
    table = Table("head")
    table.add_row(Text(ESCAPES))
    with screen.capture() as captured:
        screen.print(Text(ESCAPES, style="bold"), Panel(Text(ESCAPES)), table)
    shown = captured.get()
    for active in ("\x1b[2J", "\x1b]8", "\x9b", "\u202e", "\x07"):
        assert active not in shown
    assert "[red]x[/red]" in shown
    assert "\x1b[1m" in shown  # rich's own styles stay.


def test_a_document_is_word_for_word_but_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from apo.cli.console import write_document

    write_document(ESCAPES)
    assert capsys.readouterr().out == ESCAPES
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    write_document(ESCAPES + "\ud800")
    assert "\x1b" not in capsys.readouterr().out


def test_names_on_pages_are_only_text() -> None:
    from apo.tracking.told import literal

    shown = literal("a <img src=x onerror=y> [b](javascript:c)\n![d](e) `f` g_h")
    assert shown == (
        r"a \<img src=x onerror=y\> \[b\](javascript:c) \!\[d\](e) \`f\` g_h"
    )  # fmt: skip


def test_a_spreadsheet_computes_no_cell_of_a_table() -> None:
    import csv
    from dataclasses import fields
    from typing import Any

    from apo.compare.collect import CellRow
    from apo.results.csv_rows import rows_csv

    values: dict[str, Any] = {f.name: 0 for f in fields(CellRow)}
    values |= {"cell": "=1+1", "task": "+x", "optimizer": "@SUM(A1)", "model": "m", "seed": -1}
    (row,) = csv.DictReader(rows_csv([CellRow(**values).to_dict()]).splitlines())
    assert (row["cell"], row["task"], row["optimizer"]) == ("'=1+1", "'+x", "'@SUM(A1)")
    assert (row["model"], row["seed"]) == ("m", "-1")
