"""Notebooks: they run, give the committed outputs anywhere, and are tidy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLACES = {
    "here": {},
    "another time zone and locale": {"TZ": "Pacific/Auckland", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
}


def cells(path: Path, kind: str) -> list[dict]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


@pytest.mark.parametrize("place", PLACES)
def test_outputs_are_those_committed(place: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", *map(str, NOTEBOOKS)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if not k.startswith(("COV_", "PYTEST_"))}, **PLACES[place]},
    )

    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_tidy(path: Path) -> None:
    code = cells(path, "code")
    text = path.read_text(encoding="utf-8")

    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert all(len(cell["source"]) <= 15 for cell in code)
    assert not re.search(r"/(?:home|root|work|tmp|Users)/", text)
    assert "%pip" not in text
    assert "at 0x" not in text
    assert not [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]
    assert cells(path, "markdown")[0]["source"][0].startswith("# ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_readme_leads_to_a_notebook(path: Path) -> None:
    assert f"notebooks/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")
