"""What notebooks ask of a case in one line: right, whole, harmless, and there for any case."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import expdiag
from expdiag import show
from expdiag.errors import MissingLibraryError, UnknownNameError
from expdiag.report import as_notebook
from expdiag.scenarios.spec import ClusterSpec, healthy
from expdiag.show.figures import FIGURES
from tests.conftest import CASES, run
from tests.test_display import HOSTILE, Text

BY_NAME = {
    "about": lambda case: show.about(case.findings),
    "answers": show.answers,
    "causes": lambda case: show.causes(case.findings),
    "differences": show.differences,
    "facts": show.facts,
    "missing": lambda case: show.missing(case.findings),
    "moments": show.moments,
    "tally": lambda case: show.tally(case.findings),
    "together": lambda case: show.together(case.findings),
}


@pytest.fixture(scope="module")
def case() -> expdiag.Case:
    return expdiag.load(CASES / "troubled-e")


def test_verdicts_on_a_topic_are_those_of_the_findings(case: expdiag.Case) -> None:
    table = show.about(case.findings, "dns", "R07").data

    assert set(table.rule) == {
        f.requirement.number
        for f in case.findings
        if (f.requirement.section == "dns" or f.requirement.number == "R07") and f.outcome != "not-applicable"
    }
    assert list(table.verdict) == sorted(table.verdict, key=["✗ violation", "? unknown", "✓ pass"].index)
    assert len(show.about(case.findings, "round-trip-delay").data) == len(show.about(case.findings, "R07").data)


def test_the_tally_adds_up(case: expdiag.Case) -> None:
    table = show.tally(case.findings).data

    assert {name: int(table[name].sum()) for name in case.findings.counts} == case.findings.counts
    assert table.rules.sum() == len({finding.requirement.number for finding in case.findings})


def test_the_worst_verdict_of_a_rule(case: expdiag.Case) -> None:
    assert str(show.worst(case.findings, "R07").subject) == "e1 – e3"
    assert show.worst(case.findings, "no-mixed-types").outcome == "pass"


def test_who_could_stay_together(case: expdiag.Case) -> None:
    first, *others = show.together(case.findings).data.itertuples(index=False)

    assert first[:2] == ("could stay together", "e2, e3")
    assert {row.what for row in others} == {"mend the path"}


def test_facts_stand_side_by_side(case: expdiag.Case) -> None:
    table = show.facts(case, "version", "dns_server").data.set_index("fact")

    assert list(table.loc["version"]) == ["X14.3.4", "X14.3.4", "X14.3.3"]
    assert table.loc["dns_server", "e3"] == "–"
    assert set(show.differences(case).data.setting) >= {"H323 Mode"}


def test_answers_name_where_they_were_given(case: expdiag.Case) -> None:
    table = show.answers(case, "A").data

    inside = table[(table.name == "e1.edge.example.com") & (table["asked from"] == "e1")]
    outside = table[(table.name == "e1.edge.example.com") & (table["asked from"] == "outside")]
    assert list(inside.answer) == ["10.0.1.11"]
    assert list(outside.answer) == ["203.0.113.11"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda case: show.about(case.findings, "dsn"),
        lambda case: show.facts(case, "versoin"),
        lambda case: show.moments(case, "alram"),
        lambda case: show.figure(case, "peer"),
        lambda case: show.worst(case.findings, "R99"),
    ],
)
def test_a_name_that_is_none_is_said(case: expdiag.Case, wrong: Callable[[expdiag.Case], object]) -> None:
    with pytest.raises(UnknownNameError):
        wrong(case)


def test_every_figure_is_found_by_its_name(case: expdiag.Case) -> None:
    for known in FIGURES:
        shown = show.figure(case, known.name)
        assert isinstance(shown, show.topics.Nothing) != known.has_content(case)
        assert (known.caption in repr(shown)) != known.has_content(case)
    page = show.gallery(case)._repr_html_()
    assert page.count("<figure") == page.count("data:image/png;base64,") == sum(k.has_content(case) for k in FIGURES)


@pytest.mark.parametrize("name", BY_NAME)
def test_tables_are_harmless_and_never_share_a_style(
    name: str, case: expdiag.Case, case_of: Callable[[ClusterSpec], expdiag.Case]
) -> None:
    texts = {"system_name": HOSTILE, "domain": HOSTILE, "cluster_name": HOSTILE}
    hostile = case_of(healthy().changed("e2", **texts))
    table = BY_NAME[name](hostile)
    page = table._repr_html_()

    assert "script" not in Text(re.sub(r"<style.*?</style>", "", page, flags=re.S)).elements
    assert not {"\x1b", "\u202e"} & set(page + repr(table))
    other = BY_NAME[name](case)
    if len(table.data) or len(other.data):
        assert table.uuid != other.uuid
    assert BY_NAME[name](hostile)._repr_html_() == page


@pytest.mark.parametrize("peers", [1, 2])
def test_small_clusters_have_them_all(peers: int, case_of: Callable[[ClusterSpec], expdiag.Case]) -> None:
    small = case_of(healthy(peers))
    for ask in BY_NAME.values():
        assert "<table" in ask(small)._repr_html_()


@pytest.mark.parametrize("what", ["troubled-e", "troubled-e/diagnostic_log_e1_2026-05-01_12_00_00.tar.gz"])
def test_a_notebook_of_a_case(what: str, tmp_path: Path) -> None:
    pytest.importorskip("papermill", reason="papermill is not installed")
    done = run("notebook", CASES / what, "--output", tmp_path / "case.ipynb")

    assert (done.returncode, done.stderr) == (0, f"expdiag: wrote {tmp_path / 'case.ipynb'}\n")
    notebook = json.loads((tmp_path / "case.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    assert len(outputs) == len(code) - 1
    assert {output["output_type"] for output in outputs} == {"execute_result"}
    assert "violation" in "".join(outputs[1]["data"]["text/html"])
    assert "papermill" not in notebook["metadata"]
    assert not Path(re.search(r'paths = \["(.*)"\]', "".join(code[0]["source"]))[1]).is_absolute()


def test_a_page_of_a_case_loads_nothing(tmp_path: Path) -> None:
    pytest.importorskip("papermill", reason="papermill is not installed")
    done = run("notebook", CASES / "troubled-e", "--output", tmp_path / "case.html")

    page = (tmp_path / "case.html").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert "default-src 'none'" in page
    assert "97.1 ms" in page
    assert "data:image/png;base64," in page


def test_a_notebook_of_nothing_says_so(tmp_path: Path) -> None:
    pytest.importorskip("papermill", reason="papermill is not installed")
    (tmp_path / "empty").mkdir()
    nothing = run("notebook", tmp_path / "empty", "--output", tmp_path / "x.html")
    wrong = run("notebook", CASES / "troubled-e", "--output", tmp_path / "x.pdf")
    nowhere = run("notebook", CASES / "troubled-e", "--output", tmp_path / "no" / "x.html")

    assert nothing.returncode == 3
    assert nothing.stderr.startswith("expdiag: nothing readable")
    assert wrong.returncode == nowhere.returncode == 2
    assert not (tmp_path / "x.html").exists()


def test_without_papermill_it_says_what_to_install(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "papermill", None)

    with pytest.raises(MissingLibraryError, match=r"pip install 'expdiag\[notebooks\]'"):
        as_notebook.render([CASES / "troubled-e"], tmp_path, page=True)


def test_the_template_is_tidy() -> None:
    cells = json.loads(as_notebook.TEMPLATE.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]

    assert all(len(cell["source"]) <= 15 and not cell["outputs"] for cell in code)
    assert [cell["metadata"].get("tags") for cell in code[:2]] == [["parameters"], None]


def test_what_runs_notebooks_is_loaded_when_asked_for() -> None:
    program = "import sys, expdiag.report.as_notebook; print({'papermill', 'nbconvert', 'nbformat'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
