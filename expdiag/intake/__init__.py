"""What the customer sends, read without opinion: rows, issues, sources and the facts of `case.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from expdiag import progress
from expdiag.errors import NothingReadableError
from expdiag.evidence import SourceBook
from expdiag.intake import workers
from expdiag.intake.archive import OnDisk, on_disk
from expdiag.intake.casefile import CaseFile, Limits
from expdiag.intake.member import Refused
from expdiag.intake.merging import merge
from expdiag.intake.parts import Part, Task
from expdiag.progress import Tell
from expdiag.tables import Leaves

__all__ = ["CaseFile", "Dossier", "Limits", "read"]

# A file of this size on disk, most likely the bundle of a peer, is a part of its own, so that workers can share a case
LARGE_BYTES = 4 << 20
_MOST_FILES_OF_A_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything read from the paths of a case.

    Attributes:
        name: name of the case.
        rows: tuples of named tuples by table name, all tables there, possibly empty; those of `settings` are `Leaves`.
        sources: opens the source ids of the rows.
        facts: what `case.toml` says.
        as_of: the clock for validity: `case.toml`, else the newest time stamp met, else None.
        certificates: the bytes (DER) of the certificates among the rows, by their fingerprints.
        paths: what was read, for `reread`, which shows evidence in its context.
    """

    name: str
    rows: Mapping[str, Any]
    sources: SourceBook
    facts: CaseFile
    as_of: datetime | None
    certificates: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    paths: tuple[Path, ...] = field(default=(), repr=False)

    @property
    def settings(self) -> Leaves:
        """The rows of `settings`."""
        leaves: Leaves = self.rows["settings"]
        return leaves


def read(paths: Iterable[str | Path], tell: Tell | None = None) -> Dossier:
    """Read folders, archives and files into one dossier; it does not depend on the number of workers.

    Args:
        paths: where they are.
        tell: called with bytes read, bytes of all files on disk, and the file; without it progress shows itself.

    Raises:
        NothingReadableError: none of them holds anything a reader takes, or a path does not exist.
        CaseFileError: `case.toml` has an unknown key or value.
    """
    where = tuple(Path(path) for path in paths)
    whole = Part(SourceBook())
    tasks = _tasks(where)
    size = sum(task.bytes for task in tasks)
    with progress.shown("reading", size) as shown, closing(workers.read(tasks, tell or shown)) as parts:
        for part in parts:
            whole.adopt(part)
    if not whole.understood:
        raise NothingReadableError(map(str, where), len(whole.rows["files"]), tuple(whole.rows["issues"]))
    merge(whole.rows, whole.book)
    facts = whole.facts or CaseFile()
    return Dossier(
        name=facts.name or _default_name(where),
        rows={table: rows if isinstance(rows, Leaves) else tuple(rows) for table, rows in whole.rows.items()},
        sources=whole.book,
        facts=facts,
        as_of=facts.as_of or whole.newest,
        certificates=whole.certificates,
        paths=tuple(path.absolute() for path in where),
    )


def _tasks(where: tuple[Path, ...]) -> list[Task]:
    """Return all small files as one task, and each large one as its own."""
    small: list[OnDisk | Refused] = []
    large: list[OnDisk] = []
    for file in on_disk(list(where)):
        if isinstance(file, OnDisk) and file.bytes >= LARGE_BYTES:
            large.append(file)
        else:
            small.append(file)
    return [
        Task(tuple(small), 0, where),
        *(Task((file,), number * _MOST_FILES_OF_A_PART, where) for number, file in enumerate(large, start=1)),
    ]


def _default_name(paths: tuple[Path, ...]) -> str:
    first = paths[0].resolve().name
    for ending in (".tar.gz", ".tgz", ".tar", ".zip", ".gz"):
        if first.lower().endswith(ending):
            return first[: -len(ending)]
    return first
