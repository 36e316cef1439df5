"""From the rows of a dossier to peers: the newest bundle of each counts, and what contradicts it is an issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from expdiag import knowledge
from expdiag.evidence import file_number
from expdiag.intake import Dossier
from expdiag.model import identity
from expdiag.model.facts import Fact
from expdiag.model.identity import Bundle
from expdiag.model.peers import Peer, describe
from expdiag.model.settings import Settings, has_index, tells
from expdiag.tables import FileRead, Issue, Setting

_OF_A_PEER = ("settings", "alarms", "configuration_changes", "replication", "certificates")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def assemble(dossier: Dossier) -> tuple[list[Peer], list[Issue]]:
    """Return the peers whose exports are in the case, still without names, and what is odd about them."""
    by_name: dict[str, FileRead] = {row.file: row for row in dossier.rows["files"]}
    files = {number: by_name[name] for number, name in enumerate(dossier.sources.files)}
    last_rows = dossier.settings.last_sources(file_number)
    told: dict[str, Sequence[Any]] = {table: dossier.rows[table] for table in _OF_A_PEER}
    told["settings"] = tuple(dossier.settings.where(tells))
    evidence = {file_number(row.source) for rows in told.values() for row in rows}.union(last_rows)
    names = {number: files[number].file for number in evidence}
    bundles, unplaced = identity.bundles(names, told["settings"], frozenset(evidence))
    issues = [
        Issue(
            names[file],
            None,
            "unassigned",
            "nothing tells which peer this is from; put its name into the path",
        )
        for file in unplaced
    ]
    rows_of_file: dict[int, list[tuple[str, Any]]] = {number: [] for number in evidence}
    for table in _OF_A_PEER:
        for row in told[table]:
            rows_of_file[file_number(row.source)].append((table, row))
    peers = []
    for bundle in bundles:
        rows: dict[str, list[Any]] = {table: [] for table in _OF_A_PEER}
        for number in sorted(bundle.files):
            for table, row in rows_of_file[number]:
                rows[table].append(row)
        peer, found = _peer(bundle, rows, files, last_rows, dossier)
        peers.append(peer)
        issues += found
    return peers, issues


def _peer(
    bundle: Bundle,
    rows: Mapping[str, list[Any]],
    files: Mapping[int, FileRead],
    last_rows: Mapping[int, int],
    dossier: Dossier,
) -> tuple[Peer, list[Issue]]:
    ages = _ages(bundle, files)
    cut = {number for number in bundle.files if not files[number].complete}
    settings = Settings(sorted(rows["settings"], key=lambda row: _trust(row, ages, files)), cut, last_rows)
    current = {number for number, age in ages.items() if age == 0}
    peer = describe(
        settings,
        tuple(a for a in rows["alarms"] if a.time is not None or file_number(a.source) in current),
        tuple(rows["configuration_changes"]),
        tuple(c for c in rows["certificates"] if file_number(c.source) in current),
        tuple(rows["replication"]),
        frozenset(bundle.files),
        _name_of_files(bundle, files),
    )
    return peer, [*_older_bundles(ages, files), *_conflicts(settings, ages, dossier)]


def _name_of_files(bundle: Bundle, files: Mapping[int, FileRead]) -> Fact[str]:
    """Return the host name that the names of the files carry, as those of a diagnostic log do."""
    if len(bundle.claims.names) != 1:
        return Fact()
    (name,) = bundle.claims.names
    bearer = next((number for number in sorted(bundle.files) if name in files[number].file.lower()), None)
    return Fact(name, (files[bearer].source,)) if bearer is not None else Fact()


def _ages(bundle: Bundle, files: Mapping[int, FileRead]) -> dict[int, int]:
    """Return for each file how many newer exports of the same peer and kind there are.

    Files of one container with one time in their names are one export. Only the same kind of file is a rival: a log
    beside a dump is not. The newest time stamp in the files of an export tells its age, else the time in their names.
    """
    exports: dict[tuple[str, str], list[int]] = {}
    for number in bundle.files:
        exports.setdefault(identity.generation(files[number].file), []).append(number)
    age_of = {}
    for (_, named), numbers in exports.items():
        newest = max((time for number in numbers if (time := files[number].last_time)), default=None)
        age_of.update(dict.fromkeys(numbers, newest or _time_in(named) or _EARLIEST))
    rivals: dict[str, set[tuple[datetime, tuple[str, str]]]] = {}
    for number, time in age_of.items():
        rivals.setdefault(files[number].kind, set()).add((time, identity.generation(files[number].file)))
    return {
        number: sum(
            1 for rival in rivals[files[number].kind] if rival > (time, identity.generation(files[number].file))
        )
        for number, time in age_of.items()
    }


def _time_in(name: str) -> datetime | None:
    """Return the time a file name holds, `2026-05-01_12:00:00` with any separators."""
    digits = "".join(character for character in name if character in "0123456789")[:14]
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if digits else None
    except ValueError:
        return None


def _trust(row: Setting, ages: Mapping[int, int], files: Mapping[int, FileRead]) -> tuple[int, bool]:
    """Newer bundles first; of one bundle the XML dump, which is the more complete one."""
    number = file_number(row.source)
    return ages[number], not files[number].kind.endswith("XML")


def _older_bundles(ages: Mapping[int, int], files: Mapping[int, FileRead]) -> list[Issue]:
    return [
        Issue(
            files[number].file,
            None,
            "older-bundle",
            "a newer bundle of this peer is in the case; the newer one counts",
        )
        for number, age in sorted(ages.items())
        if age and files[number].kind != "diagnostic log"
    ]


def _conflicts(settings: Settings, ages: Mapping[int, int], dossier: Dossier) -> list[Issue]:
    """Report fields for which two places of the newest bundle say different things."""
    issues = []
    for field in knowledge.load("fields"):
        chosen = settings.value(field)
        if not chosen.value or has_index(field):
            continue
        for rival in settings.rivals(field):
            if ages[file_number(rival.source)] == 0:
                place, other = dossier.sources[chosen.sources[0]], dossier.sources[rival.source]
                text = f"{field.replace('_', ' ')} is {rival.value!r} here but {chosen.value!r} in {place.file}"
                issues.append(Issue(other.file, other.line, "conflict", f"{text}; the latter counts"))
    return issues
