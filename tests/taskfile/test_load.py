"""Task files: what they may say, what they are told when it is wrong, and where tasks come from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from apo.errors import DataError, TaskError
from apo.prompts.prompt import Prompt
from apo.scorers.function import FunctionScorer
from apo.scorers.registry import Choice, Exact, JsonFields, Numeric
from apo.task import Example, Task
from apo.taskfile.load import load_task, task_from_data

BASE = {
    "inputs": "[text]",
    "target": "label",
    "labels": "[a, b]",
    "data": "data.csv",
    "prompt": "Is it a or b?",
}


def write(folder: Path, drop: tuple[str, ...] = (), csv: str | None = None, **keys: str) -> Path:
    """Write a task's folder; a key's value is YAML."""
    folder.mkdir(exist_ok=True)
    lines = {key: value for key, value in {**BASE, **keys}.items() if key not in drop}
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    rows = "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(30))
    (folder / "data.csv").write_text(csv or f"text,label\n{rows}", encoding="utf-8")
    return folder


def test_the_least_that_a_task_says(tmp_path: Path) -> None:
    task = load_task(write(tmp_path / "mine"))
    assert task.name == "mine"
    assert task.scorer == Choice(labels=("a", "b"))
    assert task.language == "en"
    assert task.seed_prompts[0].messages({"text": "T"})[-1].content == "T"
    assert (len(task.train), len(task.validation), len(task.test)) == (12, 6, 12)
    assert task.notes == ("30 usable rows; the pools: train 12, validation 6, test 12.",)


def test_without_labels_the_scorer_is_exact(tmp_path: Path) -> None:
    assert load_task(write(tmp_path / "t", drop=("labels",))).scorer == Exact()


@pytest.mark.parametrize("form", ["folder", "file", "text"])
def test_forms_of_a_reference(tmp_path: Path, form: str) -> None:
    folder = write(tmp_path / "t")
    refs: dict[str, Path | str] = {
        "folder": folder,
        "file": folder / "task.yaml",
        "text": str(folder),
    }
    ref = refs[form]
    assert load_task(ref).name == "t"


def test_all_keys(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "t",
        drop=("labels",),
        name="리뷰 2",
        description="What it is about",
        language="ko-KR",
        inputs="{본문: text, 제목: title}",
        target="[label, other]",
        scorer="{name: exact, ignore_case: false}",
        template='"[{{제목}}] {{본문}}"',
        decoding="{temperature: null, max_tokens: 5}",
        split="{fractions: {validation: 0.3, test: 0.2}, caps: {train: 9}, seed: 4}",
        csv="text,title,label,other\n" + "".join(f"t{i},u{i},A,B\n" for i in range(20)),
    )
    task = load_task(folder)
    assert task.name == "리뷰 2"
    assert task.input_fields == ("본문", "제목")
    assert task.train[0].targets == ("A", "B")
    assert task.scorer == Exact(ignore_case=False)
    prompt = task.seed_prompts[0]
    assert prompt.template == "[{{제목}}] {{본문}}"
    assert (prompt.decoding.temperature, prompt.decoding.max_tokens) == (None, 5)
    assert (len(task.train), len(task.validation), len(task.test)) == (9, 6, 4)


def test_several_inputs_have_a_named_line_each(tmp_path: Path) -> None:
    data = "text,title,label\n" + "".join(f"t{i},u{i},a\n" for i in range(20))
    folder = write(tmp_path / "t", inputs="[text, title]")
    (folder / "data.csv").write_text(data, encoding="utf-8")
    template = load_task(folder).seed_prompts[0].template
    assert template == "text: {{text}}\ntitle: {{title}}"


WRONG = [
    ({"scoer": "exact"}, "no key 'scoer'. Did you mean 'scorer'"),
    ({"inputs": "3"}, "inputs must be a list of columns"),
    ({"inputs": "[1]"}, "put each in quotes"),
    ({"inputs": "['a{b']"}, "cannot be a variable"),
    ({"target": "[]"}, "target must be a text or a list"),
    ({"labels": "[1, 2]"}, "1 is not a text; put it in quotes"),
    ({"labels": "[true, false]"}, "True is not a text"),
    ({"labels": "[a, a]"}, "'a' stands twice"),
    ({"labels": "[a]"}, "at least two labels"),
    ({"labels": "[a, c]"}, "row 2: the target 'b' is none of the labels"),
    ({"scorer": "exakt"}, "no scorer 'exakt'. Did you mean 'exact'"),
    ({"scorer": "3"}, "scorer must be a name"),
    ({"scorer": "json"}, "JsonFields cannot judge the target"),
    ({"scorer": "numeric"}, "Numeric cannot judge the target"),
    ({"prompt": "3"}, "prompt must be a text"),
    ({"prompt": "''"}, "prompt is empty"),
    ({"prompt": "'{{txet}}'"}, "{{txet}}.*Did you mean 'text'"),
    ({"prompt": "[{role: user, content: hi}, {role: usr, content: x}]"}, "role"),
    ({"prompt": "{instrction: x}"}, "no part 'instrction'"),
    ({"template": "hello"}, "never shows the input"),
    ({"template": "'x {{text}}'", "prompt": "'y {{text}}'"}, "a user turn of its own"),
    ({"target": "text"}, "the column 'text' is both input and target"),
    ({"prompt_file": "p.txt"}, "one of prompt, prompt_file and steps"),
    ({"decoding": "{temprature: 1}"}, "no option 'temprature'"),
    ({"decoding": "{temperature: 9}"}, r"temperature is 9; it must be"),
    ({"data": "nothing.csv"}, "no data file"),
    ({"data": "../data.csv"}, "leaves the task's folder"),
    ({"data": "[a.csv]"}, "data must be a path"),
    ({"data": "{test: data.csv}"}, "train: at least"),
    ({"data": "{train: data.csv, tset: data.csv}"}, "'tset'"),
    ({"encoding": "utf-9"}, "unknown; common ones"),
    ({"language": "Korean!"}, "language is 'Korean!'"),
    ({"name": "a/b"}, "name is 'a/b'"),
    ({"name": "3"}, "name is 3; it must be a text"),
    ({"split": "{fraction: {}}"}, "no key 'split.fraction'. Did you mean 'fractions'"),
    ({"split": "{fractions: {train: 0.9}}"}, "add up to 1"),
    ({"split": "{fractions: {train: 0.9, validation: 0.2, test: 0.2}}"}, "add up to 1"),
    ({"split": "{fractions: {train: 1.2, validation: 0.2}}"}, "negative"),
    ({"split": "{fractions: {train: 0.5, test: 0.5}}"}, "validation needs a share"),
    ({"split": "{caps: {trian: 5}}"}, "'trian' is no pool"),
    ({"split": "{caps: {train: 0}}"}, "split.caps.train is 0"),
    ({"split": "{column: where}"}, "no column 'where'"),
    ({"target": "lable"}, "no column 'lable'. Did you mean 'label'"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_is_wrong_is_said(tmp_path: Path, keys: dict[str, str], words: str) -> None:
    folder = tmp_path / "t"
    write(folder)
    lines = {**BASE, **keys}
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    pattern = words.replace("{{", r"\{\{").replace("}}", r"\}\}").replace(". Did", r"\. Did")
    with pytest.raises(TaskError, match=pattern):
        load_task(folder)


@pytest.mark.parametrize("key", ["inputs", "target", "data", "prompt"])
def test_what_is_missing_is_said(tmp_path: Path, key: str) -> None:
    with pytest.raises(TaskError, match=f"the key '{key}' is missing|one of prompt"):
        load_task(write(tmp_path / "t", drop=(key,)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping"),
        ("- a", "must be a mapping"),
        ("a: [", "not valid YAML"),
        ("name: a\nname: b", "the key 'name' stands twice"),
        ("data: {train: a, train: b}", "the key 'train' stands twice"),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("a: \x01", "not valid YAML"),
        ("when: 2026-13-45", "not valid YAML"),
    ],
)
def test_what_is_no_task_file(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TaskError, match=words):
        load_task(path)


def test_a_task_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_bytes("name: 작업".encode("cp949"))
    with pytest.raises(TaskError, match=r"not UTF-8 \(byte 6\)"):
        load_task(tmp_path)


def test_yes_and_no_are_words(tmp_path: Path) -> None:
    folder = write(tmp_path / "t", labels="[yes, no]")
    rows = "".join(f"t{i},{['yes', 'no'][i % 2]}\n" for i in range(20))
    (folder / "data.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    assert load_task(folder).labels == ("yes", "no")


def test_data_in_another_encoding_by_absolute_path(tmp_path: Path) -> None:
    rows = "".join(f"리뷰 {i},{['긍정', '부정'][i % 2]}\r\n" for i in range(20))
    (tmp_path / "reviews.csv").write_bytes(f"본문,감성\r\n{rows}".encode("cp949"))
    data = json.dumps(str(tmp_path / "reviews.csv"))
    folder = tmp_path / "t"
    write(folder, inputs="[본문]", target="감성", labels="[긍정, 부정]")
    text = (folder / "task.yaml").read_text("utf-8").replace("data: data.csv", f"data: {data}")
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="cp949"):
        load_task(folder)
    (folder / "task.yaml").write_text(text + "encoding: cp949\n", encoding="utf-8")
    assert len(load_task(folder).train) == 8


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "t")
    (tmp_path / "secret.csv").write_text("text,label\nx,a\n", encoding="utf-8")
    (folder / "data.csv").unlink()
    (folder / "data.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(TaskError, match="leaves the task's folder"):
        load_task(folder)


@pytest.mark.parametrize("name", ["prompt.txt", "prompt.json"])
def test_a_prompt_in_a_file(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "t", drop=("prompt",), prompt_file=name)
    text = "Is it a or b?"
    if name.endswith("json"):
        text = json.dumps(Prompt("Is it a or b?", template="{{text}}").to_dict())
    (folder / name).write_text(text, encoding="utf-8")
    assert load_task(folder).seed_prompts[0].instruction == "Is it a or b?"


def test_a_scorer_in_a_file_of_the_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "t", scorer="judge.py:judge")
    (folder / "judge.py").write_text(
        "def judge(output, example):\n    return 1\n", encoding="utf-8"
    )
    assert isinstance(load_task(folder).scorer, FunctionScorer)


def test_a_prompt_of_chat_messages(tmp_path: Path) -> None:
    turns = (
        "[{role: system, content: 'a or b?'}, {role: user, content: x}, "
        "{role: assistant, content: a}, {role: user, content: '{{text}}'}]"
    )
    prompt = load_task(write(tmp_path / "t", prompt=turns)).seed_prompts[0]
    roles = [message.role for message in prompt.messages({"text": "T"})]
    assert roles == ["system", "user", "assistant", "user"]


def test_given_pools(tmp_path: Path) -> None:
    folder = write(tmp_path / "t")
    (folder / "test.csv").write_text("text,label\nnew 1,a\nnew 2,b\n", encoding="utf-8")
    text = (folder / "task.yaml").read_text("utf-8")
    text = text.replace("data: data.csv", "data: {train: data.csv, test: test.csv}")
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    task = load_task(folder)
    assert (len(task.train), len(task.validation), len(task.test)) == (20, 10, 2)


def test_the_split_is_remembered(tmp_path: Path) -> None:
    folder = write(tmp_path / "t")
    memory = tmp_path / "splits"
    before = load_task(folder, memory=memory)
    assert (memory / "t.json").is_file()
    with (folder / "data.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"more {i},a\n" for i in range(30))
    after = load_task(folder, memory=memory)
    assert set(before.train) <= set(after.train)
    assert set(before.test) <= set(after.test)


# --- where tasks come from


@pytest.mark.parametrize("ref", ["suport-tickets", "./nowhere", "\0", "x" * 5000, ""])
def test_an_unknown_task(ref: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TaskError, match=r"There is no task|has no task\.yaml"):
        load_task(ref)


def test_a_near_name_is_offered() -> None:
    with pytest.raises(TaskError, match="Did you mean 'support-tickets'"):
        load_task("support-tiket")


def test_a_built_in_name_beats_a_folder_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "reviews-ko")
    monkeypatch.chdir(tmp_path)
    assert "write ./reviews-ko" in load_task("reviews-ko").notes[0]
    assert load_task("./reviews-ko").labels == ("a", "b")


PYTHON = """
from apo.scorers.registry import Exact
from apo.task import Example, Task
from apo.prompts.prompt import Prompt

def make():
    e = Example({"input": "x"}, ("y",))
    return Task(name="py", scorer=Exact(), seed_prompts=(Prompt("p"),), train=(e,), validation=(e,))

ready = make()
wrong = 3
def failing():
    raise KeyError("k")
def needy(x): ...
"""


def test_python_tasks(tmp_path: Path) -> None:
    path = tmp_path / "tasks.py"  # Named like a package of apo, on purpose.
    path.write_text(PYTHON, encoding="utf-8")
    assert load_task(f"{path}:make").name == "py"
    assert load_task(f"{path}:ready").name == "py"
    for name, words in {
        "wrong": "must be a Task",
        "failing": "KeyError",
        "needy": "TypeError",
        "mkae": "Did you mean 'make'",
    }.items():
        with pytest.raises(TaskError, match=words):
            load_task(f"{path}:{name}")
    assert load_task("reviews-ko").name == "reviews-ko"


@pytest.mark.parametrize("data", ["list", "frame", "path", "pools"])
def test_tasks_from_data(tmp_path: Path, data: str) -> None:
    rows: list[dict[str, Any]] = [{"text": f"t{i}", "label": "ab"[i % 2]} for i in range(30)]
    given: Any = rows
    if data == "frame":
        given = pd.DataFrame(rows)
    elif data == "path":
        given = write(tmp_path / "t") / "data.csv"
    elif data == "pools":
        given = {"train": rows[:20], "validation": rows[20:], "test": rows[20:25]}
    task = task_from_data(given, inputs="text", target="label", labels=["a", "b"], prompt="a or b?")
    assert isinstance(task, Task)
    assert task.scorer == Choice(labels=("a", "b"))
    assert task.input_fields == ("text",)


def test_data_sets_of_several_splits() -> None:
    datasets: Any = pytest.importorskip("datasets")
    made = datasets.Dataset.from_list([{"q": f"{i}+1", "a": i + 1} for i in range(30)])
    data = datasets.DatasetDict({"train": made})
    task = task_from_data(data, inputs="q", target="a", scorer="numeric", prompt="Add.")
    assert task.scorer == Numeric()
    assert len(task.test) == 12


def half(output: str, example: Example) -> float:
    return 0.5


def test_a_scorer_may_be_any_callable() -> None:
    rows = [{"q": f"{i}", "a": '{"x": 1}'} for i in range(9)]
    settings: dict[str, Any] = {
        "inputs": ["q"],
        "target": "a",
        "prompt": Prompt("p", template="{{q}}"),
    }
    assert task_from_data(rows, scorer=JsonFields(), **settings).scorer == JsonFields()
    task = task_from_data(rows, scorer=half, **settings)
    assert task.scorer("x", task.train[0]).value == 0.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scorre": "exact"}, "no key 'scorre'. Did you mean 'scorer'"),
        ({"prompt": Prompt("p")}, "no input field"),
        ({"data": {"trian": []}}, "'trian' is no pool"),
        ({"data": {"test": []}}, "have no train"),
        ({"data": []}, "no usable rows"),
        ({"data": 3}, "cannot be read from a int"),
    ],
)
def test_wrong_settings_from_python(settings: dict[str, Any], words: str) -> None:
    rows = [{"q": f"{i}", "a": "x"} for i in range(9)]
    values: dict[str, Any] = {"data": rows, "inputs": "q", "target": "a", "prompt": "p", **settings}
    with pytest.raises(TaskError, match=words):
        task_from_data(values.pop("data"), **values)


def test_loading_a_csv_task_starts_no_heavy_library() -> None:
    code = (
        "import sys; from apo.taskfile.load import load_task; load_task('reviews-ko'); "
        "print([m for m in ('pandas', 'datasets', 'pyarrow', 'mlflow', 'openai', 'numpy') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
