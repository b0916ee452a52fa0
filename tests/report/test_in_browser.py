"""Pages in Chromium: read by a screen reader's rules, in the dark, narrow, printed, by keyboard."""

import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

from apo import Result
from apo.audit.audit import audit
from apo.compare.collect import Curve
from apo.compare.plot import draw
from apo.compare.report import comparison_page
from apo.compare.standing import compare
from apo.report.audit_page import audit_page
from apo.report.run_page import run_page
from tests.compare.conftest import curves_of
from tests.report.conftest import HostileModel, hostile_task

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
Open = Callable[..., Page]
PAPER = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(hostile: Result, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a run, an audit and a comparison, as files."""
    folder, task = tmp_path_factory.mktemp("pages"), hostile_task()
    assert hostile.folder is not None
    prompts = {"seed": hostile.seed.prompt, "best": hostile.best.prompt}
    found = audit(task, prompts, model=HostileModel(), max_calls=120)
    curves: list[Curve] = [curve for curve in curves_of(2) if curve.row.task == "한국어"]
    ranking = compare("<b>all</b>", [curve.row for curve in curves], ["Failed: 1 of 2 cells."])
    whole: dict[str, Any] = {"failed": {"x": "<i>"}, "experiment": {"seeds": 2},
                             "cells": [curve.row.to_dict() for curve in curves]}  # fmt: skip
    pictures = draw(ranking, curves, folder / "plots")
    texts = {
        "run": run_page(hostile.folder),
        "audit": audit_page(found.to_dict()),
        "comparison": comparison_page(ranking, whole, [*pictures.values()]),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture
def opened(browser: Browser, pages: dict[str, Path]) -> Generator[Open]:
    """Open a page; it must ask for nothing but itself, and complain of nothing."""
    contexts: list[Any] = []
    told: list[str] = []

    def open_page(name: str, **how: Any) -> Page:
        contexts.append(browser.new_context(**how))
        page: Page = contexts[-1].new_page()
        page.on("request", lambda request: told.append(request.url))
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: told.append(dialog.message))
        page.goto(pages[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert {Path(line).name for line in told} <= {f"{name}.html" for name in pages}


def faults(page: Page, *rules: str) -> list[str]:
    """What axe finds, by all of its rules or some."""
    options: Any = {"runOnly": [*rules]} if rules else {}
    axe: Any = Axe()
    found: list[dict[str, Any]] = axe.run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"][:3]]


def unfold(page: Page) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")


@pytest.mark.parametrize("name", ["run", "audit", "comparison"])
def test_axe_finds_no_fault_by_night_or_by_day(name: str, opened: Open) -> None:
    page = opened(name, color_scheme="dark")
    unfold(page)
    assert not faults(page)
    assert page.evaluate(PAPER) == "rgb(13, 17, 23)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
    assert name != "run" or not faults(page, "color-contrast")  # The others' colours are its.


@pytest.mark.parametrize("name", ["run", "audit", "comparison"])
def test_a_narrow_page_needs_no_scrolling_sideways(name: str, opened: Open) -> None:
    page = opened(name, viewport={"width": 360, "height": 700})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_is_closed_is_printed(opened: Open) -> None:
    page = opened("run")
    table = page.locator("table", has_text="Rises of the best validation score")
    assert not table.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert table.is_visible()
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()


def test_all_is_reached_by_keyboard(opened: Open) -> None:
    page = opened("run")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    closed = page.locator("details:not([open]) > summary").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    assert closed.evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
