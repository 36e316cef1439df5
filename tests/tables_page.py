"""Writes `docs/tables.md`, the data dictionary, from the schema: `python -m tests.tables_page`."""

from __future__ import annotations

from pathlib import Path

from expdiag import tables

PAGE = Path(__file__).parent.parent / "docs" / "tables.md"
_HEAD = """# The tables of a case

Made from `expdiag/tables/` by `make docs`; a test holds it current. `case.tables[NAME]` is a DataFrame with these
columns, also when it is empty; `expdiag tables CASE --table NAME` prints it. `source` opens with `case.sources[id]`.
"""
_TYPES = {
    "Int64": "whole number",
    "Float64": "number",
    "boolean": "true or false",
    "string": "text",
    "datetime64[us, UTC]": "time, UTC",
    "object": "list of texts",
}


def page() -> str:
    """Return the data dictionary as Markdown."""
    return "\n".join([_HEAD, *(_table(name) for name in tables.TABLES)])


def _table(name: str) -> str:
    purpose = (tables.TABLES[name].__doc__ or "").strip()
    rows = [_row(column) for column in tables.columns(name)]
    return "\n".join(
        [f"## {name}", "", purpose, "", "| column | type | unit | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _row(column: tables.ColumnSchema) -> str:
    missing = ", may be missing" if column.optional else ""
    return f"| {column.name} | {_TYPES[column.dtype]}{missing} | {column.unit} | {column.meaning} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
