"""Patterns that are compiled when they are first used: all are regular expressions, and work."""

import importlib
import pkgutil
import re

import apo.prompts
import apo.reading
from apo.patterns import late_pattern


def test_it_does_what_a_pattern_does() -> None:
    late, plain = (make(r"(?P<a>\w)-", re.IGNORECASE) for make in (late_pattern, re.compile))
    assert late.sub("+", "a-B-") == plain.sub("+", "a-B-") == "++"
    assert late.findall("a-B-") == plain.findall("a-B-")
    assert (late.pattern, late.flags, late.groups) == (plain.pattern, plain.flags, plain.groups)
    assert late.groupindex == plain.groupindex


def test_nothing_is_compiled_before_it_is_used() -> None:
    wrong = late_pattern("(")
    assert wrong.pattern == "("
    try:
        wrong.search("")
    except re.error:
        return
    raise AssertionError("an open bracket is no pattern")


def test_all_of_them_are_regular_expressions() -> None:
    kind, found = type(late_pattern("")), 0
    for room in (apo.reading, apo.prompts):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if type(value) is kind:
                    value.search("")
                    found += 1
    assert found > 100
