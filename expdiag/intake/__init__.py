"""What the customer sends, read without opinion: rows, issues, sources and the facts of `case.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from expdiag.errors import CaseFileError, NothingReadableError
from expdiag.evidence import FileSources, SourceBook
from expdiag.intake import casefile
from expdiag.intake.archive import members
from expdiag.intake.casefile import CaseFile
from expdiag.intake.detect import Foreign, detect
from expdiag.intake.firewall.page import rule_of_page
from expdiag.intake.member import HEAD_BYTES, CutShortError, Member, Refused
from expdiag.intake.merging import merge
from expdiag.intake.reading import Harvest, TooMuchError
from expdiag.tables import TABLES, FileRead, Issue, Leaves

__all__ = ["CaseFile", "Dossier", "read"]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything read from the paths of a case.

    Attributes:
        name: name of the case.
        rows: named tuples by table name; every table is there, possibly empty. Those of `settings` are `Leaves`.
        sources: opens the source ids of the rows.
        facts: what `case.toml` says.
        as_of: the clock for validity: `case.toml`, else the newest time stamp met, else None.
    """

    name: str
    rows: Mapping[str, Sequence[Any]]
    sources: SourceBook
    facts: CaseFile
    as_of: datetime | None

    @property
    def settings(self) -> Leaves:
        """The rows of `settings`."""
        leaves: Leaves = self.rows["settings"]  # type: ignore[assignment]
        return leaves


@dataclass(slots=True)
class _Reading:
    book: SourceBook = field(default_factory=SourceBook)
    rows: dict[str, Any] = field(default_factory=lambda: {**{table: [] for table in TABLES}, "settings": Leaves()})
    facts: CaseFile | None = None
    newest: datetime | None = None
    understood: int = 0


def read(paths: Iterable[str | Path]) -> Dossier:
    """Read folders, archives and files into one dossier.

    Raises:
        NothingReadableError: none of them holds anything a reader takes, or a path does not exist.
        CaseFileError: `case.toml` has an unknown key or value.
    """
    where = [Path(path) for path in paths]
    reading = _Reading()
    for found in members(where):
        sources = reading.book.open(found.name)
        if isinstance(found, Refused):
            reading.rows["issues"].append(Issue(found.name, None, found.kind, found.text))
            _list_file(reading, sources, found.kind, 0, Harvest(sources))
        elif _is_case_file(found.name, where):
            _read_case_file(found, sources, reading)
        else:
            _read_member(found, sources, reading)
    if not reading.understood:
        raise NothingReadableError(map(str, where), len(reading.rows["files"]), tuple(reading.rows["issues"]))
    merge(reading.rows, reading.book)
    facts = reading.facts or CaseFile()
    return Dossier(
        name=facts.name or _default_name(where),
        rows={table: rows if isinstance(rows, Leaves) else tuple(rows) for table, rows in reading.rows.items()},
        sources=reading.book,
        facts=facts,
        as_of=facts.as_of or reading.newest,
    )


def _read_member(member: Member, sources: FileSources, reading: _Reading) -> None:
    harvest = Harvest(sources, vantage=_vantage(member.name), open_origin=reading.book.open)
    reader = detect(member.head)
    if PurePosixPath(member.name.replace("!", "/")).name == casefile.FILE_NAME:
        reader = Foreign("ignored", "only the case.toml at the top of the case counts")
    if isinstance(reader, Foreign):
        harvest.issue(reader.kind, reader.text)
        kind = reader.kind
        member.size = len(member.head)
    else:
        kind = reader.kind
        try:
            reader.read(member, harvest)
        except CutShortError as cut:
            harvest.issue(cut.kind, f"{cut}; what came before was read")
        except TooMuchError as much:
            harvest.issue("too-many", str(much))
        except Exception as error:  # one file must not cost the others; what it gave so far counts
            harvest.issue("failed", f"the reader of {kind} failed here ({type(error).__name__}: {error})")
        if harvest.rows:
            reading.understood += 1
        elif not harvest.issues:
            harvest.issue("empty", f"taken for {kind}, but nothing is in it")
    harvest.close()
    if any(not run.vantage for run in harvest.rows.get("round_trips", ())):
        harvest.issue(
            "vantage",
            "nothing tells where this probe stood; put it into probes/<peer>/ and no rule has to leave it out",
        )
    for table, rows in harvest.rows.items():
        reading.rows[table].extend(rows)
    reading.rows["issues"].extend(harvest.issues)
    _list_file(reading, sources, kind, member.size, harvest)
    if harvest.last_time and (reading.newest is None or harvest.last_time > reading.newest):
        reading.newest = harvest.last_time


def _list_file(reading: _Reading, sources: FileSources, kind: str, size: int, harvest: Harvest) -> None:
    count = sum(len(rows) for rows in harvest.rows.values())
    source = sources.note(0, f"{sources.name}: {kind}")
    reading.rows["files"].append(
        FileRead(
            sources.name,
            kind,
            size,
            harvest.lines,
            count,
            len(harvest.issues),
            harvest.first_time,
            harvest.last_time,
            harvest.complete,
            source,
        )
    )


def _is_case_file(name: str, paths: list[Path]) -> bool:
    """Whether this is the `case.toml` of the case: at the top of it, or of the one archive that is the case.

    One inside a customer's bundle is not: what a bundle says of itself accepts no deviations.
    """
    archive, _, inner = name.partition("!")
    parts = PurePosixPath(inner or archive).parts
    if parts[-1:] != (casefile.FILE_NAME,) or "!" in inner:
        return False
    if inner:
        return len(paths) == 1 and not paths[0].is_dir() and len(parts) <= 2
    return len(parts) <= (2 if len(paths) > 1 else 1)


def _read_case_file(member: Member, sources: FileSources, reading: _Reading) -> None:
    if reading.facts is not None:
        raise CaseFileError(member.name, f"a second one; the first is {reading.facts.file}")
    if len(member.head) >= HEAD_BYTES:
        raise CaseFileError(member.name, f"larger than {HEAD_BYTES >> 10} kB, which no case needs")
    member.size = len(member.head)
    reading.facts = casefile.parse(member.head, member.name, sources.note)
    for place, entry in enumerate(reading.facts.firewall, start=1):
        fields = {key: value for key, value in entry.items() if key != "device"}
        source = reading.facts.sources[f"firewall.{place}"]
        rule, unused = rule_of_page(fields, place, source, str(entry["device"]))
        if unused:
            raise CaseFileError(member.name, f"[[firewall]] number {place}: {', '.join(unused)} cannot be used")
        reading.rows["firewall_rules"].append(rule)
    reading.understood += 1
    _list_file(reading, sources, "case file", member.size, Harvest(sources))


def _vantage(name: str) -> str:
    """Return where a probe stood: the folder below `probes/`."""
    parts = PurePosixPath(name.replace("!", "/")).parts
    for position, part in enumerate(parts[:-2]):
        if part.lower() == "probes":
            return parts[position + 1]
    return ""


def _default_name(paths: list[Path]) -> str:
    first = paths[0].resolve().name
    for ending in (".tar.gz", ".tgz", ".tar", ".zip", ".gz"):
        if first.lower().endswith(ending):
            return first[: -len(ending)]
    return first
