"""Who a file says it comes from: by its content, by its name, by the folder it lies in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from expdiag.evidence import file_number
from expdiag.model.gathering import filenames
from expdiag.model.names import canonical, usable
from expdiag.model.settings import Settings
from expdiag.tables import Setting

_HOST_BEFORE = "host before"


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
        status, before the restart, does not yet show. One serial number is one peer, renamed or readdressed, but
        not both: a copy of a virtual machine brings the number along.
        """
        if self.serial and other.serial:
            return self.serial != other.serial or (self._is_another_name(other) and self._is_another_address(other))
        if self._is_another_name(other):
            return True
        if same_container and self.names and other.names:
            return False
        return self._is_another_address(other)

    def _is_another_name(self, other: Claims) -> bool:
        return bool(self.names and other.names and not self.names & other.names)

    def _is_another_address(self, other: Claims) -> bool:
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


def claims_of(
    names: Mapping[int, str], settings: Iterable[Setting], evidence: frozenset[int], guests: Collection[int]
) -> dict[int, Claims]:
    """Return what each file says of its peer.

    Args:
        names: file names by file number.
        settings: all settings of the case.
        evidence: numbers of the files that hold rows of a peer.
        guests: those of them who only speak in a file of another peer.
    """
    rows: dict[int, list[Setting]] = {file: [] for file in evidence}
    for row in settings:
        rows[file_number(row.source)].append(row)
    said = {file: Settings(own) for file, own in rows.items()}
    visited = {names[file] for file in guests}
    claims = {}
    for file in evidence:
        name = "" if file in guests else names[file]
        claims[file] = _own_claims(name, said[file], alone=name not in visited)
    _join_former_names(claims, rows, names)
    _join_system_names(claims, said)
    _join_addresses(claims, said)
    known = {name for claim in claims.values() for name in claim.names}
    for file, claim in claims.items():
        if not claim.names and file not in guests and (named := _name_in_path(names[file], known)):
            claims[file] = Claims(frozenset({named}), claim.serial, claim.address)
    return claims


def _join_former_names(claims: dict[int, Claims], rows: Mapping[int, list[Setting]], names: Mapping[int, str]) -> None:
    """Make one peer of two names that follow each other in a log, where other files beside it know only one of them.

    Else they are two machines whose records were put together.
    """
    for file, own in rows.items():
        if not any(row.path == _HOST_BEFORE for row in own):
            continue
        here = filenames.container(names[file])
        speakers = [other for other in rows if names[other] == names[file]]
        together = frozenset(name for other in speakers for name in claims[other].names)
        known = {
            (name, filenames.container(names[other]) == here)
            for other in claims
            if other not in speakers
            for name in claims[other].names & together
        }
        if len(known) == 1 and known.pop()[1]:
            for other in speakers:
                claims[other] = claims[other].joined(Claims(together))


def _join_system_names(claims: dict[int, Claims], said: Mapping[int, Settings]) -> None:
    """Give a file that names its peer by the system name alone the host name that goes with it."""
    hosts = {
        system.lower(): claims[file].names
        for file, own in said.items()
        if claims[file].names and (system := own.value("system_name").value)
    }
    for file, claim in claims.items():
        told = said[file].value("host_name").known
        if len(claim.names) == 1 and not told and (meant := hosts.get(next(iter(claim.names)))):
            claims[file] = claim.joined(Claims(meant))


def _join_addresses(claims: dict[int, Claims], said: Mapping[int, Settings]) -> None:
    """Give a file that names its peer by an address alone the name of the peer that has it on any interface."""
    owners: dict[str, frozenset[str]] = {}
    for file, own in said.items():
        for fact in (*own.values("ipv4").values(), *own.values("ipv6").values()):
            if claims[file].names and (address := usable(fact.value)):
                owners.setdefault(str(address), claims[file].names)
    for file, claim in claims.items():
        if claim.address and not claim.names and claim.address in owners:
            claims[file] = Claims(owners[claim.address], claim.serial)


def _own_claims(name: str, said: Settings, *, alone: bool) -> Claims:
    """Return what a file says of its peer.

    Args:
        name: name of the file; empty for those who only speak in a file of another peer.
        said: its settings.
        alone: whether nobody else speaks in the file; else the host in its name may be another's.
    """
    spoken = [
        said.value("host_name").value,
        filenames.host(name) if alone else None,
        *(row.value for row in said.own_names()),
        filenames.rest_folder(name),
    ]
    lan1 = next(
        (
            address
            for field_name in ("ipv4", "ipv6")
            if (fact := said.values(field_name).get(1)) and (address := usable(fact.value))
        ),
        None,
    )
    if not any(spoken) and not lan1:
        spoken.append(said.value("system_name").value)
    addresses = [lan1, *(usable(text) for text in spoken if text)]
    return Claims(
        names=frozenset(_host(text) for text in spoken if text and not usable(text)),
        serial=(said.value("serial").value or "").upper(),
        address=next((str(address) for address in addresses if address), ""),
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
