"""One part of a case: files on disk and what was read from them, members of archives included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from expdiag.errors import CaseFileError
from expdiag.evidence import FileSources, SourceBook
from expdiag.intake import archive, casefile
from expdiag.intake.archive import OnDisk, Position
from expdiag.intake.casefile import CaseFile
from expdiag.intake.detect import Foreign, detect
from expdiag.intake.member import HEAD_BYTES, CutShortError, Member, Refused
from expdiag.intake.reading import Harvest, TooMuchError
from expdiag.intake.tar import Found
from expdiag.tables import TABLES, FileRead, Issue, Leaves

_USUAL_BYTES = 24 << 20
_OF_PROBES = tuple(table for table, row in TABLES.items() if "vantage" in row._fields)


class Task(NamedTuple):
    """Files to be read as one part.

    Attributes:
        files: files on disk, and what was refused in their place.
        first: number of the first file in the book of sources.
        case: the paths the case was given as, which tell whether a `case.toml` is the one of the case.
        alone: whether another processor is free to inflate what is read.
    """

    files: tuple[OnDisk | Refused, ...]
    first: int
    case: tuple[Path, ...]
    alone: bool = False

    @property
    def bytes(self) -> int:
        """Size of its files on disk."""
        return sum(file.bytes for file in self.files if isinstance(file, OnDisk))


@dataclass(slots=True)
class Part:
    """What was read of a part.

    Attributes:
        rows: rows by table name; every table is there.
        certificates: the bytes (DER) of the certificates in `rows`, by their fingerprints.
        facts: what `case.toml` says, None where it is in another part.
        newest: the newest time stamp met.
        understood: how many files a reader took.
    """

    book: SourceBook
    rows: dict[str, Any] = field(default_factory=lambda: {**{table: [] for table in TABLES}, "settings": Leaves()})
    certificates: dict[str, bytes] = field(default_factory=dict)
    facts: CaseFile | None = None
    newest: datetime | None = None
    understood: int = 0

    def adopt(self, other: Part) -> None:
        """Take over what was read of another part."""
        self.book.adopt(other.book)
        for table, rows in other.rows.items():
            self.rows[table].extend(rows)
        self.certificates |= other.certificates
        self.facts = self.facts or other.facts
        self.newest = max((time for time in (self.newest, other.newest) if time), default=None)
        self.understood += other.understood


def read(task: Task, tell: Callable[[int, str], None]) -> Part:
    """Read the files of a task.

    Args:
        task: the files.
        tell: called with the bytes used up of its files on disk, and with what is read.

    Raises:
        CaseFileError: `case.toml` has an unknown key or value.
    """
    _keep_memory()
    part = Part(SourceBook(task.first))
    # closed here: an interrupt keeps its frames, and a process that inflates must not wait for them to go
    with closing(_members(task, tell)) as members:
        for found in members:
            _take(found, task, part)
    return part


def _take(found: Member | Refused, task: Task, part: Part) -> None:
    sources = part.book.open(found.name)
    if isinstance(found, Refused):
        part.rows["issues"].append(Issue(found.name, None, found.kind, found.text))
        _list_file(part, sources, found.kind, 0, Harvest(sources))
    elif _is_case_file(found.name, task.case):
        _read_case_file(found, sources, part)
    else:
        _read_member(found, sources, part)


def _keep_memory() -> None:
    """Have the allocator keep memory between pieces of a megabyte, which it gives back to the system otherwise.

    The GNU allocator takes the largest block that was freed as a sign of what is usual. The block is never touched.
    """
    bytes(_USUAL_BYTES)


def _members(task: Task, tell: Callable[[int, str], None]) -> Found:
    done = 0
    for file in task.files:
        if isinstance(file, Refused):
            yield file
            continue
        position = Position()
        with closing(archive.members(file, ahead=task.alone, position=position)) as members:
            for found in members:
                if isinstance(found, Member):
                    found.watch(partial(_tell, tell, done, position, found.name))
                    tell(done + position.tell(), found.name)
                yield found
        done += file.bytes
        tell(done, file.name)


def _tell(tell: Callable[[int, str], None], done: int, position: Position, name: str) -> None:
    tell(done + position.tell(), name)


def _read_member(member: Member, sources: FileSources, part: Part) -> None:
    harvest = Harvest(sources, vantage=_vantage(member.name), open_origin=part.book.open)
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
            part.understood += 1
        elif not harvest.issues:
            harvest.issue("empty", f"taken for {kind}, but nothing is in it")
    harvest.close()
    if any(_stood_nowhere(row) for table in _OF_PROBES for row in harvest.rows.get(table, ())):
        harvest.issue(
            "vantage",
            "nothing tells where this probe stood; put it into probes/<peer>/ and no rule has to leave it out",
        )
    for table, rows in harvest.rows.items():
        part.rows[table].extend(rows)
    part.certificates |= harvest.certificates
    part.rows["issues"].extend(harvest.issues)
    _list_file(part, sources, kind, member.size, harvest)
    if harvest.last_time and (part.newest is None or harvest.last_time > part.newest):
        part.newest = harvest.last_time


def _stood_nowhere(row: Any) -> bool:
    """Whether nothing tells where a probe stood; a capture shows both ends of what it saw instead."""
    return not row.vantage and getattr(row, "tool", "capture") != "capture"


def _list_file(part: Part, sources: FileSources, kind: str, size: int, harvest: Harvest) -> None:
    count = sum(len(rows) for rows in harvest.rows.values())
    source = sources.note(0, f"{sources.name}: {kind}")
    part.rows["files"].append(
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


def _read_case_file(member: Member, sources: FileSources, part: Part) -> None:
    if part.facts is not None:
        raise CaseFileError(member.name, f"a second one; the first is {part.facts.file}")
    if len(member.head) >= HEAD_BYTES:
        raise CaseFileError(member.name, f"larger than {HEAD_BYTES >> 10} kB, which no case needs")
    member.size = len(member.head)
    part.facts = casefile.parse(member.head, member.name, sources.note)
    if part.facts.firewall:
        _take_firewall(part.facts, member.name, part)
    part.understood += 1
    _list_file(part, sources, "case file", member.size, Harvest(sources))


def _take_firewall(facts: CaseFile, file: str, part: Part) -> None:
    from expdiag.intake.firewall.page import rule_of_page  # with all readers of firewalls

    by_priority = sorted(enumerate(facts.firewall, start=1), key=lambda entry: int(str(entry[1].get("priority", 0))))
    for place, (number, entry) in enumerate(by_priority, start=1):
        fields = {key: value for key, value in entry.items() if key != "device"}
        source = facts.sources[f"firewall.{number}"]
        rule, unused = rule_of_page(fields, place, source, str(entry["device"]))
        if unused:
            raise CaseFileError(file, f"[[firewall]] number {number}: {', '.join(unused)} cannot be used")
        part.rows["firewall_rules"].append(rule)


def _is_case_file(name: str, paths: Sequence[Path]) -> bool:
    """Whether this is the `case.toml` of the case: at the top of it, or of the one archive that is the case.

    One inside a customer's bundle is not: what a bundle says of itself accepts no deviations.
    """
    outer, _, inner = name.partition("!")
    folders = PurePosixPath(inner or outer).parts
    if folders[-1:] != (casefile.FILE_NAME,) or "!" in inner:
        return False
    if inner:
        return len(paths) == 1 and not paths[0].is_dir() and len(folders) <= 2
    return len(folders) <= (2 if len(paths) > 1 else 1)


def _vantage(name: str) -> str:
    """Return where a probe stood: the folder below `probes/`."""
    parts = PurePosixPath(name.replace("!", "/")).parts
    for position, folder in enumerate(parts[:-2]):
        if folder.lower() == "probes":
            return parts[position + 1]
    return ""
