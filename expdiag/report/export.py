"""A table as CSV, JSON or Parquet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from expdiag.errors import MissingLibraryError
from expdiag.safe import cell

if TYPE_CHECKING:
    import pandas as pd


def table(frame: pd.DataFrame, to: str) -> bytes:
    """Return a table in one of the formats `csv`, `json` (a list of records) and `parquet`.

    Raises:
        MissingLibraryError: Parquet was asked for and pyarrow is not installed.
    """
    if to == "json":
        text = frame.to_json(orient="records", date_format="iso", indent=1, default_handler=str)
        return f"{text}\n".encode()
    if to == "parquet":
        buffer = io.BytesIO()
        try:
            frame.to_parquet(buffer)
        except ImportError as error:
            raise MissingLibraryError('Parquet needs pyarrow: pip install "expdiag[parquet]"') from error
        return buffer.getvalue()
    return _harmless(frame).to_csv(index=False, lineterminator="\n").encode()


def _harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with no text a spreadsheet would run."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if str(column.dtype) == "string":
            column = column.map(cell, na_action="ignore")
        elif str(column.dtype) == "object":
            column = column.map(lambda value: cell("; ".join(map(str, value))) if isinstance(value, tuple) else value)
        columns[name] = column
    return frame.assign(**columns)
