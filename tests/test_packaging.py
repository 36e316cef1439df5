"""What a newcomer installs: one source of dependencies, data that is current, documents that speak the truth."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zlib
from pathlib import Path

import pytest
import yaml

from expdiag import knowledge
from expdiag.knowledge import requirements
from expdiag.rules import engine
from tests.conftest import CASES, ROOT

CONDA_NAMES = {"isal": "python-isal", "hyperscan": "python-hyperscan"}  # where conda-forge calls a package otherwise
FROM_PIP = {"axe-playwright-python", "playwright"}  # only for tests of the report, which skip without
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def split(requirement: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\s*(.*)", requirement)
    return match[1].lower(), match[2]


def test_the_conda_environment_names_what_the_project_needs() -> None:
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["notebooks"], *extras["parquet"], *extras["fast"], *extras["dev"]]
    wanted = {split(item) for item in needed if not item.startswith("expdiag")}
    wanted = {(CONDA_NAMES.get(name, name), version) for name, version in wanted}

    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = {split(item) for item in environment["dependencies"] if isinstance(item, str)}

    assert environment["channels"] == ["conda-forge"]
    assert plain - {("python", PROJECT["requires-python"]), ("pip", "")} == {
        item for item in wanted if item[0] not in FROM_PIP
    }
    pip = [f"{name}{version}" for name, version in sorted(wanted) if name in FROM_PIP]
    assert [item for item in environment["dependencies"] if isinstance(item, dict)] == [
        {"pip": ["--no-deps", "-e .", *pip]}
    ]


def test_dependencies_have_lower_bounds_and_no_pins() -> None:
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for item in group:
            name, version = split(item)
            assert name == "expdiag" or re.fullmatch(r">=[\d.]+", version), item


def test_every_dependency_has_its_reason_in_the_docs() -> None:
    said = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    groups = (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())

    for name in {split(item)[0] for group in groups for item in group} - {"expdiag"}:
        assert f"| {name} |" in said, name


def test_the_cases_are_what_the_script_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "data" / "make_cases.py", tmp_path], check=True)
    written = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {path.relative_to(CASES): path for path in CASES.rglob("*") if path.is_file()}

    assert set(written) == set(shipped)
    for name, path in written.items():
        if path.suffix == ".gz":
            assert members(path) == members(shipped[name]), name
        if path.suffix != ".gz" or "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng packs otherwise
            assert path.read_bytes() == shipped[name].read_bytes(), name
        assert path.stat().st_size < 1_000_000


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def test_bundles_have_the_member_names_of_a_diagnostic_log() -> None:
    (first, *_) = sorted((CASES / "healthy-e").glob("*.tar.gz"))
    kinds = {re.sub(r"_e1_2026-05-01_12:00:00", "", name) for name in members(first)}

    assert kinds == {
        *("loggingsnapshot.txt", "xconf_dump.txt", "xconf_dump.xml", "xstat_dump.txt", "xstat_dump.xml"),
        *("ca.pem", "server.pem"),
    }


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/design.md"])
def test_links_of_the_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((ROOT / name).parent / target).exists(), target


def test_the_commands_of_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"\bmake (\w+)", readme):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for command in re.findall(r"^expdiag (\w+)", readme, re.M):
        done = subprocess.run([sys.executable, "-m", "expdiag", command, "--help"], capture_output=True, check=False)
        assert done.returncode == 0, command


def test_the_first_lines_of_python_in_the_readme_run() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.S)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr


def test_alarms_are_told_apart_by_title_and_mark() -> None:
    alarms = knowledge.load("alarms")["alarm"]
    rules = {requirement.rule for requirement in requirements()}

    for alarm in alarms:
        assert set(alarm["speaks_of"]) <= rules, alarm
        found = knowledge.alarm_number(alarm.get("uuid", ""), alarm["title"], alarm.get("mark", ""))
        assert found == alarm["number"], alarm


def test_alarms_of_the_guide_are_recognised_by_their_words(real) -> None:
    known = {alarm["number"] for alarm in knowledge.load("alarms")["alarm"]}
    lines = (real / "samples" / "alarms-x15.0.tsv").read_text(encoding="utf-8").splitlines()

    for line in lines:
        number, title, detail = line.split("\t")[:3]
        found = knowledge.alarm_number("", title, detail)
        assert found == (int(number) if int(number) in known else None), line


def test_every_rule_that_is_judged_is_in_the_catalogue() -> None:
    assert set(engine.RULES) <= {requirement.number for requirement in requirements()}


def test_nothing_large_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=False, cwd=ROOT)

    for name in filter(None, listed.stdout.split("\0")):
        assert (ROOT / name).stat().st_size < 1_000_000, name


def test_the_example_of_case_toml_is_understood() -> None:
    from expdiag.intake import casefile

    page = (ROOT / "docs" / "case-toml.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.S)

    facts = casefile.parse(example.encode(), "case.toml", lambda number, _: number)

    assert facts.peers["e1"].platform == "Medium"
    assert facts.accepted[0].subject == ("e1",)
    assert facts.change is not None
