"""The report in a real Chromium: on a desk and a phone, in light and dark, on paper, and without a mouse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import expdiag
from expdiag.report import as_html
from expdiag.scenarios.write import write_case
from tests.conftest import CASES
from tests.test_figures import long_names, with_paths

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESK, PHONE = 1280, 360


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module", params=["troubled-e", "six peers, long names"])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = CASES / request.param
    if not folder.exists():
        folder = tmp_path_factory.mktemp("case")
        write_case(with_paths(long_names(6)), folder)
    case = expdiag.load(folder)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(as_html.render(case, case.findings), encoding="utf-8")
    return path


def opened(browser: Any, path: Path, width: int, scheme: str) -> Any:
    """Open a page without a network, and fail on anything it complains of."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda message: pytest.fail(f"the page complains: {message.text}"))
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_nothing_runs_out_of_the_page_and_the_accessibility_checker_finds_nothing(
    browser: Any, page_file: Path, width: int, scheme: str, tmp_path: Path
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = opened(browser, page_file, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(page.screenshot(path=tmp_path / "page.png")) > 20_000
    if page.locator("tr.v").count() > 200:
        return  # the same elements, only more of them: a minute for the checker
    found = axe.Axe().run(page).response
    assert [(problem["id"], problem["nodes"][0]["html"][:200]) for problem in found["violations"]] == []
    assert len(found["passes"]) > 20


def test_colours_follow_the_scheme(browser: Any, page_file: Path) -> None:
    papers = [
        opened(browser, page_file, DESK, scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert papers == ["rgb(255, 255, 255)", "rgb(24, 24, 24)"]


def test_filters_work_from_the_keyboard(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file, DESK, "light")
    everything = page.locator("tr.v:visible").count()
    page.focus("#o0")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("#o1")
    bad = page.locator("tr.v:visible").count()
    assert bad == page.locator("tr.v.violation").count()
    assert 0 < bad < everything
    page.focus("#everybody")
    page.keyboard.press("ArrowRight")
    assert page.locator("tr.v:visible").count() == page.locator("tr.v.violation.p0").count()
    assert page.locator(".part:visible").count() <= page.locator(".part:has(tr.violation.p0)").count()
    page.check("#o2")
    assert page.is_visible(".none") == (page.locator("tr.v.unknown.p0").count() == 0)


def test_the_first_key_leads_past_the_head_and_a_link_opens_evidence(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file, DESK, "light")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    link = page.locator("#change .lines caption a").first
    target = link.get_attribute("href")
    link.evaluate(
        "link => { for (let p = link.closest('details'); p; p = p.parentElement.closest('details')) p.open = true }"
    )
    link.click()
    assert page.locator(f"#evidence tr{target}").is_visible()


def test_paper_shows_what_is_folded_and_no_controls(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file, DESK, "light")
    page.emulate_media(media="print")
    assert not page.is_visible(".filters")
    assert not page.is_visible("nav")
    assert page.locator("#input details table").last.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
