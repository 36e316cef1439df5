"""From the rows of a dossier to peers: the newest bundle of each counts, and what contradicts it is an issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from expdiag.evidence import file_number
from expdiag.intake import Dossier
from expdiag.model.drift.dumptimes import dump_times, time_in
from expdiag.model.facts import Fact
from expdiag.model.gathering import filenames, identity
from expdiag.model.gathering.identity import Bundle
from expdiag.model.peers import Peer, describe
from expdiag.model.places import fields, has_index, is_made, is_passing, tells
from expdiag.model.settings import Settings, rivals
from expdiag.tables import FileRead, Issue, Setting

_OF_A_PEER = ("settings", "alarms", "configuration_changes", "replication", "certificates", "firewall_rules", "events")
_SAME_PART = {"xConfiguration text": "configuration XML", "xStatus text": "status XML"}
_HISTORY = ("diagnostic log", "packet capture")  # what is in an older one still happened
_EARLIEST = datetime.min.replace(tzinfo=UTC)


_TAKEN_NOWHERE = (
    "nothing tells on which machine this capture was taken: it is of no peer's export, nor in probes/<peer>/; what it "
    "shows of connections counts by the addresses at both ends"
)


def assemble(dossier: Dossier) -> tuple[list[Peer], list[Issue]]:
    """Return the peers whose exports are in the case, still without names, and what is odd about them."""
    by_name: dict[str, FileRead] = {row.file: row for row in dossier.rows["files"]}
    files = {number: by_name[name] for number, name in dossier.sources.files.items()}
    last_rows = dossier.settings.last_sources(file_number)
    told: dict[str, Sequence[Any]] = {table: dossier.rows[table] for table in _OF_A_PEER}
    told["settings"] = tuple(dossier.settings.where(tells))
    told["certificates"] = [row for row in told["certificates"] if row.role != "presented"]  # seen from elsewhere
    told["firewall_rules"] = [row for row in told["firewall_rules"] if not row.device]
    evidence = {file_number(row.source) for rows in told.values() for row in rows}.union(last_rows)
    captures = _captures(dossier, files) - evidence
    names = {number: files[number].file for number in evidence | captures}
    residents = {file_number(row.source) for row in dossier.rows["files"]}
    bundles, unplaced = identity.bundles(names, told["settings"], frozenset(evidence | captures), residents)
    bundles = [bundle for bundle in bundles if not bundle.files <= captures]
    issues = [
        Issue(
            names[file],
            None,
            "unassigned",
            "nothing tells which peer this is from; put its name into the path",
        )
        for file in unplaced
        if file not in captures
    ]
    of_peers = {number for bundle in bundles for number in bundle.files}
    issues += [Issue(names[file], None, "vantage", _TAKEN_NOWHERE) for file in sorted(captures - of_peers)]
    rows_of_file: dict[int, list[tuple[str, Any]]] = {number: [] for number in evidence | captures}
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


def _captures(dossier: Dossier, files: Mapping[int, FileRead]) -> set[int]:
    """Return the packet captures that lie among exports: those of a peer's diagnostic log, not those of probes."""
    found = {file_number(row.source) for row in dossier.rows["captures"]}
    return {number for number in found if not files[number].file.lower().startswith("probes/")}


def _peer(
    bundle: Bundle,
    rows: Mapping[str, list[Any]],
    files: Mapping[int, FileRead],
    last_rows: Mapping[int, int],
    dossier: Dossier,
) -> tuple[Peer, list[Issue]]:
    ages = _ages(bundle, files)
    cut = {number for number in bundle.files if not files[number].complete}
    current = {number for number, age in ages.items() if age == 0}
    alarms = tuple(a for a in rows["alarms"] if a.time is not None or file_number(a.source) in current)
    trusted = sorted(rows["settings"], key=lambda row: _trust(row, ages, files))
    settings = Settings(
        trusted,
        cut,
        last_rows,
        rows["configuration_changes"],
        alarms,
        ages.keys() - current,
        dump_times(bundle.files, files),
    )
    peer = describe(
        settings,
        alarms,
        tuple(c for c in rows["certificates"] if file_number(c.source) in current),
        tuple(rows["replication"]),
        frozenset(bundle.files),
        _name_of_files(bundle, files),
    )
    return peer, [*_older_bundles(ages, files), *_conflicts(settings, dossier)]


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
        exports.setdefault(filenames.generation(files[number].file), []).append(number)
    age_of = {}
    for (_, named), numbers in exports.items():
        newest = max((time for number in numbers if (time := files[number].last_time)), default=None)
        age_of.update(dict.fromkeys(numbers, newest or time_in(named) or _EARLIEST))
    rivals: dict[tuple[str, str], set[tuple[datetime, str, tuple[str, str]]]] = {}
    for number, time in age_of.items():
        rivals.setdefault(_part(files[number]), set()).add((time, files[number].kind, _export(files[number])))
    return {
        number: sum(1 for rival in rivals[_part(files[number])] if _is_newer(rival, time, files[number]))
        for number, time in age_of.items()
    }


def _export(file: FileRead) -> tuple[str, str]:
    return filenames.generation(file.file)


def _is_newer(rival: tuple[datetime, str, tuple[str, str]], time: datetime, file: FileRead) -> bool:
    """Whether a rival is a newer export; of one kind and time the name decides, so that only one of them counts."""
    when, kind, export = rival
    return when > time or (when == time and kind == file.kind and export > _export(file))


def _part(file: FileRead) -> tuple[str, str]:
    """Return which part of an export a file is: only the same part of another export can be newer."""
    return _SAME_PART.get(file.kind, file.kind), filenames.role(file.file)


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
        if age and files[number].kind not in _HISTORY
    ]


def _conflicts(settings: Settings, dossier: Dossier) -> list[Issue]:
    """Report fields for which two places of the newest exports say different things."""
    issues = []
    for field in fields():
        if is_made(field) or is_passing(field) or settings.is_said_once(field):
            continue
        mentions = settings.mentions_by_number(field)
        chosen = settings.values(field) if has_index(field) else {None: settings.value(field)}
        for number, fact in chosen.items():
            for rival in rivals(mentions.get(number, ()), fact, number) if fact.value else ():
                place, other = dossier.sources[fact.sources[0]], dossier.sources[rival.source]
                name = f"{field.replace('_', ' ')}{'' if number is None else f' {number}'}"
                text = f"{name} is {rival.value!r} here but {fact.value!r} in {place.file}; the latter counts"
                issues.append(Issue(other.file, other.line, "conflict", text))
    return issues
