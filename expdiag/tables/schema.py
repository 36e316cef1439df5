"""What a table is: a named tuple whose annotations say what each column holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Column:
    """What a column means, and the unit of its numbers ("" where it has none)."""

    meaning: str
    unit: str = ""


SourceId = Annotated[int, Column("where the row came from; look it up with `case.sources[id]`")]
