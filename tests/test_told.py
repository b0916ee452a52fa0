"""What finds the commands of the pages finds them all, and its lists name what is there."""

import re
from itertools import chain

import pytest

from tests.commands import COMMANDS
from tests.e2e.stories import ADDED, CODES, ELSEWHERE, IN_PART, INSTEAD
from tests.e2e.told import PAGES, ROOT, commands

PAGE = """\
Type `apo check mine`, or `make
demo`; `apo show` is a name, and `{{apo}}` none.

    apo runs | grep x        # a remark

    apo watch last

```bash
# only a remark
FOO=1 apo gate a \\
    b
pip install x  # why
frobnicate it
```

```console
$ apo lint first.md
mind   this
lacks  that
$ python -m x
```

```
apo sync
```

```
best 37.5 %
apo is told here
```

```python
apo.optimize("x")
```
"""
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in PAGES}
LINES = [c.line for text in TEXTS.values() for c in commands(text)]


def test_each_way_of_telling_a_command_is_found() -> None:
    found = [(command.line, command.shown) for command in commands(PAGE)]
    assert found == [
        ("apo check mine", ""),
        ("make demo", ""),
        ("apo runs | grep x", ""),
        ("apo watch last", ""),
        ("FOO=1 apo gate a b", ""),
        ("pip install x", ""),
        ("frobnicate it", ""),
        ("apo lint first.md", "mind   this\nlacks  that"),
        ("python -m x", ""),
        ("apo sync", ""),
    ]
    assert not any(re.fullmatch(words, "frobnicate it") for words in ELSEWHERE)


@pytest.mark.parametrize("page", TEXTS)
def test_each_line_that_begins_as_a_command_does_is_found(page: str) -> None:
    """As no reader of blocks would see them: by their first words alone."""
    names = "|".join(COMMANDS)
    found = {re.sub(r"\s+", " ", command.line) for command in commands(TEXTS[page])}
    text = re.sub(r"\\\n\s*", "", TEXTS[page])
    for line in re.findall(
        rf"^[ $]*(apo (?:{names}) (?!is |and |starts |has |sets )\S.*)", text, re.MULTILINE
    ):
        typed = re.sub(r"\s+", " ", re.sub(r"\s+# .*|`.*", "", line)).strip()
        assert any(typed in whole for whole in found), typed


def test_the_lists_name_what_is_there() -> None:
    used: set[str] = set()
    for line in LINES:
        used |= {words for words in ELSEWHERE if re.fullmatch(words, line)}
        for words, instead in INSTEAD.items():
            before, line = line, re.sub(words, instead, line)
            used |= {words} if line != before else set()
    assert not {*ELSEWHERE, *INSTEAD} - used
    for place in ELSEWHERE.values():
        assert (ROOT / place).exists(), place
    assert all(words.startswith("apo ") for words in chain(ADDED, CODES, IN_PART))


def test_scripts_that_are_named_are_there() -> None:
    """Those that take too long to be run here."""
    scripts = [
        m for line in LINES if (m := re.match(r"(?:python|sh) (?:-m )?(experiments\S+)", line))
    ]
    assert len(scripts) > 15
    for script in scripts:
        name = script[1]
        path = name if "/" in name else f"{name.replace('.', '/')}.py"
        assert (ROOT / path).is_file(), name


def test_what_is_installed_by_name_is_an_extra() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    extras = {name for line in LINES for name in re.findall(r"pip install .*\[(\w+)\]'", line)}
    extras -= {"socks"}  # Of httpx.
    assert extras
    assert all(f"\n{name} = [" in project for name in extras)
