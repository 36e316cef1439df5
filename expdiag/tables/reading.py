"""What became of every file of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

from expdiag.tables.schema import Column, SourceId


class FileRead(NamedTuple):
    """One file or archive member, and what became of it."""

    file: Annotated[str, Column("name; `!` parts an archive from its member")]
    kind: Annotated[str, Column("what it was taken for, by its content")]
    bytes: Annotated[int, Column("size after decompression, as far as it was read", "B")]
    lines: Annotated[int | None, Column("lines in it, as far as it was read; missing where it is not read by lines")]
    rows: Annotated[int, Column("rows read from it; most records of a log say nothing of a cluster and make none")]
    issues: Annotated[int, Column("issues met in it")]
    first_time: Annotated[datetime | None, Column("oldest time stamp in it")]
    last_time: Annotated[datetime | None, Column("newest time stamp in it")]
    complete: Annotated[bool, Column("nothing shows that its end is missing")]
    source: SourceId


class Issue(NamedTuple):
    """Something in the input that is not a row, and why."""

    file: Annotated[str, Column("name as in `files`")]
    line: Annotated[int | None, Column("line, counted from 1; missing where the whole file is meant")]
    kind: Annotated[str, Column("what is wrong, one word")]
    text: Annotated[str, Column("the line, or what was found and what was expected")]


class FieldFound(NamedTuple):
    """One fact of one peer: where it was found, where else it was looked for, and what contradicts it."""

    peer: Annotated[str, Column("name of the peer")]
    field: Annotated[str, Column("name of the fact, as in `knowledge/fields.toml`")]
    number: Annotated[int | None, Column("which one, where there are several; missing where there is one")]
    value: Annotated[str | None, Column("the value that counts; missing where it was found nowhere")]
    found: Annotated[str, Column("place that gave it; empty where none did")]
    looked: Annotated[tuple[str, ...], Column("further places that were looked at and gave nothing else")]
    conflicts: Annotated[tuple[str, ...], Column("places that say something else, and what they say")]
    source: Annotated[int | None, Column("where it was found; missing where it was found nowhere")]
