"""What all tests share: where real samples are, how a case is built, and that nothing skips where nothing may."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import expdiag
from expdiag.scenarios.spec import ClusterSpec
from expdiag.scenarios.write import write_case

ROOT = Path(__file__).parent.parent
CASES = ROOT / "data" / "cases"

pytest_plugins = ["pytester", "tests.again"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn skips into failures where `EXPDIAG_NO_SKIP` is set, as it is in `.ci/run`."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("EXPDIAG_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"


@pytest.fixture(scope="session")
def real() -> Path:
    """Return the folder of real device output and lab captures; they are not part of this repository."""
    folder = Path(os.environ.get("EXPDIAG_REAL_SAMPLES", ROOT.parent / "shared"))
    if not (folder / "samples").is_dir():
        pytest.skip(f"real samples are not in {folder}; set EXPDIAG_REAL_SAMPLES to their folder")
    return folder


@pytest.fixture
def case_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ClusterSpec], expdiag.Case]:
    """Return a function that writes a made-up cluster and loads it; the same cluster is loaded once, for all tests.

    A case does not change, so tests can share it.
    """

    def build(cluster: ClusterSpec) -> expdiag.Case:
        key = pickle.dumps(cluster)  # a repr may leave fields out
        if key not in _LOADED:
            folder = tmp_path_factory.mktemp("case")
            write_case(cluster, folder)
            _LOADED[key] = expdiag.load(folder)
            if len(_LOADED) > _MOST_LOADED:
                _LOADED.pop(next(iter(_LOADED)))
        else:
            _LOADED[key] = _LOADED.pop(key)  # the newest is the last
        return _LOADED[key]

    return build


_LOADED: dict[bytes, expdiag.Case] = {}
_MOST_LOADED = 40


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes files, given as name and content, below a fresh case folder."""

    def write(contents: dict[str, str | bytes]) -> Path:
        folder = tmp_path / "case"
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a whole process."""
    return subprocess.run(
        [sys.executable, "-m", "expdiag", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        **options,
    )
