"""One raw sample and the rows it has to give for every variant of the exports.

`NAME.rows.json` beside a sample holds its rows by table, the line in place of the source. It was checked by hand;
`python -m tests.test_samples` writes the ones that are missing.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import expdiag
from expdiag import tables
from expdiag.errors import NothingReadableError
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "samples"
FORMATS = ("xconfiguration", "xstatus", "xml", "logs", "rest")
ENDING = ".rows.json"
SAMPLES = sorted(p for name in FORMATS for p in (FOLDER / name).iterdir() if not p.name.endswith(ENDING))


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what a file gives, by table."""
    try:
        case = expdiag.load(path)
    except NothingReadableError as error:
        return {"issues": [issue._asdict() for issue in error.issues]}
    found = {}
    for table, rows in case.dossier.rows.items():
        if rows and table != "files":
            found[table] = [_shown(row, case) for row in rows]
    return found


def _shown(row: Any, case: expdiag.Case) -> dict[str, Any]:
    shown = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row._asdict().items()}
    if "source" in shown:
        shown["line"] = case.sources[shown.pop("source")].line
    return {key: list(value) if isinstance(value, tuple) else value for key, value in shown.items()}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_gives_its_rows(path: Path) -> None:
    expected = json.loads((path.parent / f"{path.name}{ENDING}").read_text(encoding="utf-8"))

    assert rows_of(path) == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_cut_anywhere_gives_rows_or_issues(path: Path, files) -> None:
    whole = path.read_bytes()
    for part in range(17):
        folder = files({path.name: whole[: len(whole) * part // 16], "case.toml": ""})
        case = expdiag.load(folder)

        assert len(case.dossier.rows["files"]) == 2
        assert case.dossier.rows["settings"] or case.all_issues
        for table in tables.TABLES:
            assert tables.problems(table, case.tables[table]) == []


if __name__ == "__main__":
    for sample in SAMPLES:
        target = sample.parent / f"{sample.name}{ENDING}"
        if not target.exists():
            target.write_text(json.dumps(rows_of(sample), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
