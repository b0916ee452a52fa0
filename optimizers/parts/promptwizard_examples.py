"""PromptWizard's examples: collected, read from replies, and put into the final prompt."""

import re
from collections.abc import Mapping, Sequence

from apo import Evaluation, Example, Prompt, Search, read_tags
from apo.optimizers.parts.draw import some

PAIR = re.compile(
    r"<input>((?:(?!</?input>).)*)</input>\s*<output>((?:(?!</?output>).)*)</output>", re.DOTALL
)


def wrong_first(search: Search, evaluation: Evaluation, n: int) -> list[Example]:
    """Examples that a prompt gets wrong; where there are too few, random others."""
    wrong = [rollout.example for rollout in evaluation.failures][:n]
    others = [r.example for r in evaluation.rollouts if r.example not in wrong]
    return wrong + some(search.rng, others, n - len(wrong))


def listed(reply: str) -> list[str]:
    """The instructions that a reply lists, each in its tags; the whole when there are no tags."""
    return read_tags(reply, "instruction") or [reply]


def parsed(reply: str, search: Search) -> list[Example]:
    """The new examples of a reply that have the form of the task's own."""
    task, template = search.task, search.seed_prompts[0].template.strip()
    known = {tuple(example.inputs.items()) for example in (*task.train, *task.validation)}
    one_label = all(example.target in task.labels for example in task.train)
    examples: list[Example] = []
    for text, output in PAIR.findall(reply):
        inputs = unfilled(template, text.strip())
        if inputs.keys() != set(task.input_fields) or tuple(inputs.items()) in known:
            continue
        example = Example(inputs, (output.strip(),))
        if not one_label or example.target in task.labels:  # Others may be sets of labels.
            examples += [example] if search.task.takes_target(example) else []
    return examples


def unfilled(template: str, text: str) -> dict[str, str]:
    """Read the inputs out of a filled template; none when the text does not fit it."""
    pieces = re.split(r"\{\{\s*([^{}]+?)\s*\}\}", template)
    names = pieces[1::2]
    pattern = "(.*?)".join(re.escape(piece) for piece in pieces[::2])
    match = re.fullmatch(pattern, text, re.DOTALL)
    return dict(zip(names, match.groups(), strict=True)) if match else {}


def assembled(
    prompt: Prompt, examples: Sequence[Example], reasons: Sequence[str], said: Mapping[str, str]
) -> list[Prompt]:
    """The prompt with bare examples; and with reasoned ones, persona and keywords."""
    bare = [prompt.demo(e.inputs, e.target) for e in examples]
    reasoned = [
        prompt.demo(example.inputs, joined(reason, example.target))
        for example, reason in zip(examples, reasons, strict=True)
    ]
    instruction = joined(said.get("persona", ""), prompt.instruction, said.get("keywords", ""))
    whole = prompt.with_instruction(instruction).with_demos(tuple(reasoned))
    return [prompt.with_demos(tuple(bare)), whole]


def joined(*parts: str) -> str:
    """Join the parts that there are, as paragraphs."""
    return "\n\n".join(part for part in parts if part)
