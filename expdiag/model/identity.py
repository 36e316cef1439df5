"""Which files were exported by one and the same peer.

Files of one archive or folder belong together unless they contradict each other. Serial numbers come before names
and names before addresses, because two peers that share a name or an address are a fault to be found, not one peer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from expdiag.evidence import file_number
from expdiag.model.names import canonical, usable
from expdiag.model.settings import Settings
from expdiag.tables import Setting

# xconf_dump_e1_2026-05-01_12:00:00.xml
_DUMP = re.compile(
    r"^(?:loggingsnapshot|xconf_dump|xstat_dump|ca|server|client|eth\d+_diagnostic_logging_tcpdump\w*?)_ ?"
    r"(?P<host>[^_].*?)(?:_(?P<time>\d{4}-?\d\d-?\d\d.*?))?\.(?:txt|xml|pem|pcap|pcapng|json|log)$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a file, or a group of files, says it comes from; empty where it does not say.

    Attributes:
        names: host names, from the content and from file names.
        address: address of LAN 1.
    """

    names: frozenset[str] = frozenset()
    serial: str = ""
    address: str = ""

    def contradicts(self, other: Claims, *, same_container: bool) -> bool:
        """Whether the two cannot come from one peer.

        Inside one archive a name outweighs an address: a dump of the configuration may hold an address that the
        status, before the restart, does not yet show.
        """
        if self.serial and other.serial:
            return self.serial != other.serial
        if self.names and other.names:
            if not self.names & other.names:
                return True
            if same_container:
                return False
        return bool(self.address and other.address and self.address != other.address)

    def shares(self, other: Claims) -> bool:
        """Whether the two say something alike."""
        return bool(
            (self.serial and self.serial == other.serial)
            or self.names & other.names
            or (self.address and self.address == other.address)
        )

    def joined(self, other: Claims) -> Claims:
        """Return what both say together."""
        return Claims(self.names | other.names, self.serial or other.serial, self.address or other.address)

    def __bool__(self) -> bool:
        return bool(self.names or self.serial or self.address)


@dataclass(slots=True)
class Bundle:
    """Files that come from one peer."""

    files: set[int]
    claims: Claims = field(default_factory=Claims)

    def take(self, other: Bundle) -> None:
        """Add files of the same peer."""
        self.files |= other.files
        self.claims = self.claims.joined(other.claims)


def bundles(
    names: Mapping[int, str], settings: Iterable[Setting], evidence: frozenset[int]
) -> tuple[list[Bundle], list[int]]:
    """Group files by the peer they come from.

    Args:
        names: file names by file number.
        settings: the settings of the case that stand at a place of a field.
        evidence: numbers of the files that hold rows of a peer: dumps, logs, certificates.

    Returns:
        one bundle per peer, in the order of the file names, and the files that could not be placed.
    """
    claims = _claims(names, settings, evidence)
    by_container: dict[str, list[int]] = {}
    for file in sorted(evidence):
        by_container.setdefault(container(names[file]), []).append(file)
    groups = [group for members in by_container.values() for group in _split(members, claims)]
    merged = _merge(group for group in groups if group.claims)
    merged.sort(key=lambda bundle: min(names[file] for file in bundle.files))
    return merged, sorted(file for group in groups if not group.claims for file in group.files)


def generation(name: str) -> tuple[str, str]:
    """Return what tells a file of one export from those of another: its container, and the time in its name."""
    dump = _DUMP.match(_base(name))
    return container(name), (dump["time"] or "") if dump else ""


def _claims(names: Mapping[int, str], settings: Iterable[Setting], evidence: frozenset[int]) -> dict[int, Claims]:
    rows: dict[int, list[Setting]] = {file: [] for file in evidence}
    for row in settings:
        rows[file_number(row.source)].append(row)
    claims = {file: _own_claims(names[file], rows[file]) for file in evidence}
    known = {name for claim in claims.values() for name in claim.names}
    for file, claim in claims.items():
        if not claim.names and (named := _name_in_path(names[file], known)):
            claims[file] = Claims(frozenset({named}), claim.serial, claim.address)
    return claims


def _own_claims(name: str, rows: list[Setting]) -> Claims:
    found = Settings(rows)
    dump = _DUMP.match(_base(name))
    log_hosts = {row.value for row in rows if row.tree == "log"}
    spoken = [
        found.value("host_name").value,
        dump["host"] if dump else None,
        log_hosts.pop() if len(log_hosts) == 1 else None,
    ]
    lan1 = next(
        (
            address
            for field_name in ("ipv4", "ipv6")
            if (fact := found.values(field_name).get(1)) and (address := usable(fact.value))
        ),
        None,
    )
    return Claims(
        names=frozenset(_host(text) for text in spoken if text),
        serial=(found.value("serial").value or "").upper(),
        address=str(lan1) if lan1 else "",
    )


def _host(text: str) -> str:
    """Return the host part of a name; an address stays whole."""
    return text.lower() if usable(text) else canonical(text).partition(".")[0]


def _name_in_path(path: str, known: Iterable[str]) -> str | None:
    """Return the longest known name that stands in a path between other characters than letters and digits."""
    hits = [
        name
        for name in known
        if re.search(rf"(?<![A-Za-z0-9-]){re.escape(name)}(?![A-Za-z0-9])", path, re.I)
        or re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9-])", path, re.I)
    ]
    hits.sort(key=len, reverse=True)
    return hits[0] if len(hits) == 1 or (hits and all(hit in hits[0] for hit in hits)) else None


def _base(name: str) -> str:
    return PurePosixPath(name.replace("!", "/")).name


def container(name: str) -> str:
    """Return the archive or folder a file lies in."""
    return str(PurePosixPath(_plain(name).replace("!", "/")).parent)


def _plain(name: str) -> str:
    """Return a name without the gz around a single file: `dump.txt.gz!dump.txt` lies where `dump.txt` would."""
    outer, parted, inner = name.rpartition("!")
    return outer.removesuffix(".gz") if parted and outer.endswith(f"{inner}.gz") else name


def _split(members: list[int], claims: Mapping[int, Claims]) -> list[Bundle]:
    """Return the files of one container as one bundle, or parted where they contradict each other."""
    whole = Bundle(set())
    for file in members:
        if whole.claims.contradicts(claims[file], same_container=True):
            break
        whole.take(Bundle({file}, claims[file]))
    else:
        return [whole]
    return _gather((Bundle({file}, claims[file]) for file in members), same_container=True)


def _merge(groups: Iterable[Bundle]) -> list[Bundle]:
    """Join bundles of one peer, surest reason first."""
    ordered = sorted(groups, key=lambda g: (not g.claims.serial, not g.claims.names, not g.claims.address))
    return _gather(ordered, same_container=False)


def _gather(parts: Iterable[Bundle], *, same_container: bool) -> list[Bundle]:
    gathered: list[Bundle] = []
    for part in parts:
        homes = [
            bundle
            for bundle in gathered
            if bundle.claims.shares(part.claims)
            and not bundle.claims.contradicts(part.claims, same_container=same_container)
        ]
        named = [bundle for bundle in homes if bundle.claims.names & part.claims.names]
        if len(homes) == 1 or len(named) == 1:
            (homes if len(homes) == 1 else named)[0].take(part)
        else:
            gathered.append(part)
    return gathered
