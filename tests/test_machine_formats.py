"""JUnit and SARIF: against the schema of the one and independent models of the other, with hostile names in them."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree
from sarif_pydantic import Sarif

import expdiag
from expdiag.findings import Findings
from expdiag.report import as_junit, as_sarif
from expdiag.rules import engine
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case
from tests.conftest import CASES, run

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e]]>&=cmd()"
SCHEMA_HOME = "pytest==8.1.1"  # its source holds the schema of Jenkins' xUnit plug-in, MIT licence


@pytest.fixture(scope="module", params=["healthy-e", "troubled-e", "hostile", "without e2"])
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[expdiag.Case, Findings]:
    name: str = request.param
    folder = CASES / name
    if not folder.exists():
        folder = tmp_path_factory.mktemp("case")
        cluster = healthy().changed("e2", system_name=HOSTILE, domain="<b>&", cluster_name=HOSTILE)
        write_case(cluster if name == "hostile" else healthy(), folder)
        if name == "without e2":
            next(folder.glob("diagnostic_log_e2_*")).unlink()
        with (folder / "case.toml").open("a") as file:
            file.write('\n[[accepted]]\nrule = "system-names-distinct"\nreason = "<script> & more"\n')
    case = expdiag.load(folder)
    return case, expdiag.check(case)


@pytest.fixture(scope="session")
def junit_schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    folder = tmp_path_factory.mktemp("schema")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", SCHEMA_HOME]
    done = subprocess.run([*command, "--dest", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the schema of JUnit is in the source of {SCHEMA_HOME}, which cannot be fetched: {done.stderr}")
    with tarfile.open(next(folder.glob("pytest-*.tar.gz"))) as archive:
        member = next(name for name in archive.getnames() if name.endswith("/junit-10.xsd"))
        return etree.XMLSchema(etree.parse(archive.extractfile(member)))


def test_junit_fits_its_schema(judged: tuple[expdiag.Case, Findings], junit_schema: etree.XMLSchema) -> None:
    text = as_junit.render(judged[1])
    junit_schema.assertValid(etree.fromstring(text.encode()))


def test_junit_counts_what_it_lists(judged: tuple[expdiag.Case, Findings]) -> None:
    findings = judged[1]
    root = ElementTree.fromstring(as_junit.render(findings))
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase")) == len(findings)
    open_ones = [f for f in findings.of("violation") if f.accepted is None]
    assert int(root.attrib["failures"]) == len(root.findall(".//failure")) == len(open_ones)
    assert len(root.findall(".//skipped")) == len(findings) - findings.counts["pass"] - len(open_ones)
    for suite in root.findall("testsuite"):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
    text = "".join(root.itertext())
    assert not {"\x1b", "\u202e"} & set(text)


def test_sarif_is_what_independent_models_take(judged: tuple[expdiag.Case, Findings]) -> None:
    case, findings = judged
    text = as_sarif.render(findings, case.all_issues, engine.manuals())
    (one,) = Sarif.model_validate_json(text).runs
    assert one.results is not None
    assert len(one.results) == len(findings)


def test_sarif_says_what_the_findings_say(judged: tuple[expdiag.Case, Findings]) -> None:
    case, findings = judged
    text = as_sarif.render(findings, case.all_issues, engine.manuals())
    (one,) = json.loads(text)["runs"]
    rules = one["tool"]["driver"]["rules"]
    kinds = {"pass": "pass", "violation": "fail", "unknown": "open", "not-applicable": "notApplicable"}
    for result, finding in zip(one["results"], findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.requirement.number
        assert result["kind"] == kinds[finding.outcome]
        # the specification, 3.27.10: anything but a failure has the level `none`
        assert (result["level"] == "none") == (result["kind"] != "fail")
        assert ("suppressions" in result) == (finding.accepted is not None)
    prints = [result["partialFingerprints"]["subject/v1"] for result in one["results"]]
    assert len(set(prints)) == len(prints)
    assert not {"\\u001b", "\\u202e"} & set(text.split('"'))


@pytest.mark.parametrize(("form", "status"), [("junit", 1), ("sarif", 1)])
def test_the_command_writes_them(tmp_path: Path, form: str, status: int) -> None:
    target = tmp_path / "findings"
    done = run("check", CASES / "troubled-e", "--format", form, "--output", target)
    assert done.returncode == status, done.stderr
    assert target.stat().st_size > 10_000


@pytest.mark.parametrize("form", ["junit", "sarif"])
def test_an_empty_case_gives_an_empty_valid_document(tmp_path: Path, form: str) -> None:
    done = run("check", tmp_path / "nowhere", "--format", form)
    assert done.returncode == 3
    if form == "sarif":
        assert json.loads(done.stdout)["runs"][0]["results"] == []
    else:
        assert ElementTree.fromstring(done.stdout).attrib["tests"] == "0"
