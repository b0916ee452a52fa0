"""Does a winner stay the same prompt in every form? Messages and scores, on three tasks.

    python -m experiments.round_trips            # some minutes; --no-serve leaves the server out

For each task (its data are made here): a short run, its winner written in each form of apo export,
read again, and held against the run: on how many test rows the messages are the same, and the score
before and after. A text holds no roles: it has the same words, and its own score. The state for
DSPy is loaded in plain DSPy, the prompt in MLflow's registry is filled by MLflow, and the model is
served: their answers are compared with those of the run.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import yaml

import apo
from apo import Example, Prompt
from apo.bridges.dspy_engine import dspy_module
from apo.prompts.forms.reading import read_prompt
from apo.prompts.forms.registry import FORMATS, FORMS, write_prompt
from apo.results.provenance import provenance_of
from apo.storage.folder import RunFolder
from experiments.served_model import environment, run_apo, served

ROOT = Path(__file__).resolve().parents[1]
NAMES = {
    **{"yaml": "w.yaml", "markdown": "w.md", "text": "w.txt", "github": "w.prompt.yml"},
    **{"promptfoo": "promptfooconfig.yaml", "langchain": "w.py", "prompty": "w.prompty"},
    **{"dotprompt": "w.prompt", "huggingface": "w.jsonl"},
}
"""Files by whose names their form is told; all others are JSON."""
Rows = list[dict[str, str]]


def orders() -> Rows:
    """Extraction: what is ordered, how many and where to, as JSON."""
    asked = "Hello, could you send {n} {what} to {city}? Our old ones broke."
    opened = (asked, "{n} {what} for {city} please.", "We need {what} in {city}: {n} will do.")
    things = ("lamps", "chairs", "desks", "ladders", "fans")
    cities = ("Kiel", "Porto", "Leeds", "Graz")
    found = list[dict[str, str]]()
    for i, (text, what, city) in enumerate(product(opened, things, cities)):
        order = json.dumps({"product": what, "quantity": i + 4, "city": city})
        found.append({"mail": text.format(n=i + 4, what=what, city=city), "order": order})
    return found


def homes() -> Rows:
    """Questions with a context: who lives where."""
    people = ("Mina", "Otto", "Ines", "Raj", "Lea", "Tom", "Yuna", "Karl")
    places = ("Daegu", "Kiel", "Porto", "Pune", "Basel", "Leeds", "Busan", "Graz", "Turku", "Lyon")
    found = list[dict[str, str]]()
    for i, (who, place) in enumerate(product(people, places)):
        other, there = people[(i + 3) % 8], places[(i + 7) % 10]
        context = f"{who} keeps bees in {place}. {other} paints boats in {there}."
        row = {"context": context, "question": f"Where does {who} live?", "answer": f"in {place}"}
        found += [row] if who != other else []
    return found


def inquiries() -> Rows:
    """Korean classification: what a customer asks about."""
    said = {
        "배송": ("택배가 아직", "배송 조회가", "도착 예정일이"),
        "환불": ("환불이 언제", "결제 취소가", "돈을 돌려"),
        "로그인": ("비밀번호를 잊어", "로그인이 계속", "인증 문자가"),
    }
    ends: tuple[str, ...] = (
        "안 되네요.",
        "궁금합니다.",
        "이상해요, 확인해 주세요.",
        "벌써 사흘째예요.",
    )
    ends += ("답을 주세요.", "왜 이러죠?", "주문은 지난주에 했어요.", "앱에서는 안 보여요.")
    pairs = [(f"{start} {end}", kind) for kind in said for start in said[kind] for end in ends]
    return [{"문의": text, "종류": kind} for text, kind in pairs]


TASKS: dict[str, tuple[Callable[[], Rows], dict[str, Any]]] = {
    "orders": (
        orders,
        {
            "scorer": "json",
            "prompt": "Extract the order as JSON with the keys product, quantity and city.",
        },
    ),
    "homes": (homes, {"scorer": "f1", "prompt": "Answer the question from the context."}),
    "inquiries": (
        inquiries,
        {"labels": ["배송", "환불", "로그인"], "scorer": "choice", "prompt": "종류를 고르세요."},
    ),
}


Line = tuple[str, Sequence[bool], float, float]
"""What was tried, on which rows it is the same, and the score before and after."""


def main() -> int:
    """Run, write, read and compare; gives 1 where a row or a score is another one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--no-serve", action="store_true", help="do not start MLflow's server")
    serve = not parser.parse_args().no_serve
    odd = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= environment(Path(folder))
        sys.stdout.write("| task | form | rows the same | score | after |\n|---|---|---|---|---|\n")
        for name in TASKS:
            for form, same, before, after in trips(name, Path(folder), serve=serve):
                told = f"{sum(same)} of {len(same)} | {before:.1%} | {after:.1%}"
                sys.stdout.write(f"| {name} | {form} | {told} |\n")
                odd += not all(same) or (before != after and form != "text")
    return 1 if odd else 0


def trips(name: str, place: Path, *, serve: bool) -> Iterator[Line]:
    """Optimize a task, and take its winner through all forms."""
    rows, settings = TASKS[name][0](), TASKS[name][1]
    home = place / name
    home.mkdir()
    (home / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    *inputs, target = rows[0]
    told = {"name": name, "inputs": inputs, "target": target, "data": "rows.json", **settings}
    (home / "task.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    ask = partial(run_apo, place, dict(os.environ))
    ask("optimize", str(home), "--max-calls", "300", "--no-track", "-o", "joint")
    (run,) = (place / ".apo" / "runs").glob(f"{name}-*")
    folder, task = RunFolder(run), apo.load_task(home / "task.yaml")
    prompt = Prompt.from_dict(folder.need_result()["best_prompt"])
    first = apo.evaluate(task, prompt)
    for form in FORMATS:
        file = home / NAMES.get(form, f"{form}.json")
        file.write_text(write_prompt(prompt, form, provenance_of(folder, prompt)), "utf-8")
        if FORMS[form].reads or form in ("messages", "text"):
            back = read_prompt(file, inputs).prompt
            same = [sent(back, row, form) == sent(prompt, row, form) for row in task.test]
            # A form without decoding leaves it to the provider; roles are lost in a text.
            told_again = replace(back, decoding=prompt.decoding)
            yield form, same, first.mean, apo.evaluate(task, told_again).mean
    for form, answers in elsewhere(home, ask, prompt, task.test, serve=serve):
        pairs = list(zip(answers, first.rollouts, strict=True))
        scores = [task.judge(answer, rollout.example).value for answer, rollout in pairs]
        same = [answer == rollout.output for answer, rollout in pairs]
        yield form, same, first.mean, sum(scores) / len(scores)


def sent(prompt: Prompt, row: Example, form: str) -> list[tuple[str, str]]:
    """The messages for a row; in a text all are one."""
    turns = [(str(message.role), message.content) for message in prompt.messages(row.inputs)]
    return [("", "\n\n".join(text for _, text in turns))] if form == "text" else turns


def elsewhere(
    home: Path, ask: Any, prompt: Prompt, rows: Sequence[Example], *, serve: bool
) -> Iterator[tuple[str, list[str]]]:
    """What is answered in the forms that are used without apo's reading them."""
    python = (home / "python.json").read_text("utf-8")
    space: dict[str, Any] = {"dspy": dspy_module("this script")}
    page = (ROOT / "docs" / "prompt-files.md").read_text("utf-8")
    exec(python + page[page.index("class PlainAdapter") : page.index("program = dspy.Pre")], space)
    program = space["dspy"].Predict(f"{', '.join(prompt.variables)} -> answer")
    program.load(home / "dspy.json")
    with (
        apo.dspy_lm("embedded", temperature=prompt.decoding.temperature) as lm,
        space["dspy"].context(lm=lm, adapter=space["PlainAdapter"]()),
    ):
        yield "python", [ask_lm(lm, space["messages"](row.inputs)) for row in rows]
        yield "dspy, in plain DSPy", [program(**row.inputs).answer for row in rows]
        ask("export", "last", "--best", "--out", f"prompts:/{home.name}-prompt")
        from mlflow.genai import load_prompt

        kept: Any = load_prompt(f"prompts:/{home.name}-prompt/1")
        yield "MLflow's registry", [ask_lm(lm, kept.format(**row.inputs)) for row in rows]
    if serve:
        ask("export", "last", "--best", "--out", f"models:/{home.name}-model")
        inputs = [dict(row.inputs) for row in rows]
        answers = served(f"models:/{home.name}-model/1", inputs, home.parent, dict(os.environ))
        yield "MLflow's server", answers


def ask_lm(lm: Any, messages: Any) -> str:
    """What a language model of DSPy answers."""
    answer: Any = lm.forward(messages=messages)
    return str(answer.choices[0].message.content)


if __name__ == "__main__":
    raise SystemExit(main())
