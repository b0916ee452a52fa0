"""Scoring answers that name several labels at once: `label_set`. Of a target all labels are meant.

Where any one of several targets is right, the scorer is `choice`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from apo.errors import TaskError, near
from apo.reading.answers import label_pattern, marked, one_form, plain, quote, unstruck
from apo.reading.checklist import checked
from apo.reading.lists import parted, written_list
from apo.reading.named import labels_in, require_different
from apo.scorers.items import items_in
from apo.task import Example, Score

HOW = ("f1", "exact", "jaccard")
_BETWEEN = re.compile(r"(?:[\s,;|/、，；·+&]|(?<=\s)(?:and|und|et|및)(?=\s))*", re.IGNORECASE)
_TAG = re.compile(r"<(label|tag|category|class|라벨|레이블)>([^<]{1,200})</\1>", re.IGNORECASE)
_CHATTER = re.compile(r"[.!?:。！？：]\s*$")


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """The answer must name all labels of the target, in any order, and no others.

    The target is a list of labels (JSON, or as Python prints it), or labels between commas, / and
    the like (see `lists.SEPARATORS`); [] is the set without a label, as are "None" and "없음". An
    answer is read likewise, with what it marks as such (see `answers.marked`), as lines with
    bullets, or as the labels that its text names. Of a checklist ("[x] bug", "bug: yes",
    {"bug": true}) the labels count that it ticks or affirms. Something that stands in its list and
    is no label counts as a wrong one. An answer that names none and does not say that there is none
    is not well formed.

    Attributes:
        labels: the allowed labels, at least two.
        score: "f1" of precision and recall; "jaccard", the shared labels over all that either
            names; or "exact", 1 for the same set and else 0.
        ignore_case: upper and lower case are the same.
    """

    labels: tuple[str, ...]
    score: str = "f1"
    ignore_case: bool = True

    def __post_init__(self) -> None:
        if self.score not in HOW:
            raise TaskError(f"label_set.score is {self.score!r}.{near(self.score, list(HOW))}")
        require_different(self.labels, self._key)

    def __call__(self, output: str, example: Example) -> Score:
        """Score against the target that fits best."""
        found = self.find(output)
        if found is None:
            known = ", ".join(map(quote, self.labels[:20]))
            wanted = quote(example.target)
            return Score(0.0, False, f"Expected {wanted}, the answer names none of {known}.")
        scores = [self._compare(found, target) for target in example.targets]
        return max(scores, key=lambda score: score.value)

    def find(self, text: str) -> tuple[str, ...] | None:
        """Give what a text lists, each once: labels in the task's spelling, other items as said.

        Returns:
            None where the text names no label and does not say that there is none.
        """
        text = unstruck(one_form(text))
        ticked = checked(text, self._label_of)
        if ticked is not None:
            return ticked
        tags = [tag[2] for tag in _TAG.finditer(text)]
        parts = ["\n".join(tags)] if len(tags) > 1 else [text, *marked(text)]
        for part in parts:
            found = self._whole(part)
            if found is not None:
                return found
        for part in reversed(parts[:2]):  # What is marked comes before what stands around it.
            found = self._loose(part)
            if found:
                return found
        return None

    def _whole(self, text: str) -> tuple[str, ...] | None:
        """A text that is a list of labels and nothing else."""
        written = written_list(text)
        readings = [written] if written is not None else self._readings(text)
        for items in readings:
            keys = [self._key(item) for item in items if item.strip()]
            if all(key in self._by_key for key in keys):
                return tuple(dict.fromkeys(self._by_key[key] for key in keys))
        if written is not None:
            return self._named(written)
        return None

    def _readings(self, text: str) -> Iterator[list[str]]:
        if not text.strip():
            return
        yield [text]
        yield from parted(text)
        if _BETWEEN.fullmatch(self._pattern.sub("", text)):  # "Health, Safety" may be one label.
            yield [match[0] for match in self._pattern.finditer(text)]
        items = items_in(text)
        if items is not None:  # Bullets; and "None", a list without an item.
            yield items

    def _loose(self, text: str) -> tuple[str, ...]:
        """The labels of a chatty text, and what stands among them in a list and is no label."""
        items = items_in(text) or []
        if any(self._key(item) in self._by_key for item in items):
            return self._named([item for item in items if not _CHATTER.search(item)])
        return tuple(self.labels[place] for place in labels_in(text, self._pattern))

    def _named(self, items: Sequence[str]) -> tuple[str, ...]:
        """The labels of items; an item without one as it is."""
        found = list[str]()
        for item in items:
            label = self._by_key.get(self._key(item))
            named = [self.labels[place] for place in labels_in(item, self._pattern)]
            found += [label] if label is not None else named or [item.strip()]
        return tuple(dict.fromkeys(found))

    def _compare(self, said: Sequence[str], target: str) -> Score:
        wanted = self.find(target)
        if wanted is None or not {*wanted} <= {*self.labels}:
            strange = next((i for i in wanted or [target] if i not in self.labels), target)
            return Score(0.0, False, f"{quote(strange)} is none of the labels.")
        same, every = len({*said} & {*wanted}), len({*said} | {*wanted})
        if same == every:
            return Score(1.0)
        value = {"f1": 2 * same / (len(said) + len(wanted)), "jaccard": same / every, "exact": 0.0}
        missing = ", ".join(quote(label) for label in wanted if label not in said)
        extra = ", ".join(quote(label) for label in said if label not in wanted)
        told = [f"Missing: {missing}."] if missing else []
        told += [f"Not asked for: {extra}."] if extra else []
        return Score(value[self.score], True, " ".join(told))

    def _label_of(self, item: str) -> str | None:
        return self._by_key.get(self._key(item))

    def _key(self, item: str) -> str:
        return plain(one_form(item), ignore_case=self.ignore_case)

    @cached_property
    def _by_key(self) -> Mapping[str, str]:
        return {self._key(label): label for label in self.labels}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return label_pattern(self.labels, ignore_case=self.ignore_case)
