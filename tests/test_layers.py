"""Imports run one way, the road of the design; no module is too large to read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

# From the ground up; a room may import from rooms before it and from itself.
ROOMS = (
    ("errors", "safe", "statistics"),
    ("progress",),
    ("evidence",),
    ("tables",),
    ("knowledge",),
    ("intake",),
    ("model",),
    ("findings",),
    ("causes", "graphs", "missing", "outline", "rules"),
    ("case",),
    ("show",),
    ("report",),
    ("cli",),
    ("__main__",),
)
OUTSIDE = {"scenarios": {"scenarios"}}  # written out as bundles, read like anybody's
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
MODULES = sorted((ROOT / "expdiag").rglob("*.py"))


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def imports(path: Path) -> set[str]:
    """Return the modules of this package a file imports anywhere, also inside functions.

    One exception: what a notebook asks to draw itself (`_repr_html_` and the like) has `show` draw it.
    """
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        if function.name in ("_repr_html_", "_repr_svg_"):
            function.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("expdiag.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    here = path.relative_to(ROOT / "expdiag").parts[0].removesuffix(".py")
    if here == "__init__":
        return
    for imported in imports(path):
        there = room_of(imported)
        if here in OUTSIDE:
            assert there in OUTSIDE[here], f"{here} imports {imported}"
        elif there in LEVEL:
            assert LEVEL[there] < LEVEL[here] or there == here, f"{here} imports {imported}"
        else:
            assert there in ("__version__", "load", "check"), f"{here} imports {imported}"


def test_every_room_is_in_the_list() -> None:
    rooms = {path.relative_to(ROOT / "expdiag").parts[0].removesuffix(".py") for path in MODULES}

    assert rooms - {"__init__"} == set(LEVEL) | set(OUTSIDE)


def test_readers_and_rules_do_not_know_each_other() -> None:
    for path in (ROOT / "expdiag" / "rules").rglob("*.py"):
        assert not {name for name in imports(path) if name.startswith("expdiag.intake")}, path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
