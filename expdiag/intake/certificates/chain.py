"""Who signed whom in one file, which certificate it is about, and whether the rest is its chain."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from expdiag.intake.certificates.signing import signed_by
from expdiag.intake.certificates.x509 import Parsed

# More than any authority has renewed, and than any store needs: such a file would only cost time
_MAX_NAMESAKES, _MAX_CHECKS = 8, 2000


@dataclass(frozen=True, slots=True)
class Links:
    """Who signed each certificate of a file, by index.

    Attributes:
        signers: those whose name and key fit; none for one that signed itself.
        unsure: those whose name fits, but whose key or whose way of signing cannot be used here.
        namesakes: those that have the name of the issuer, but not its key.
    """

    signers: tuple[tuple[int, ...], ...]
    unsure: tuple[tuple[int, ...], ...]
    namesakes: tuple[tuple[int, ...], ...]

    def reach(self, start: int) -> set[int]:
        """Return what belongs to a certificate: itself, its signers, and theirs."""
        found, new = {start}, [start]
        while new:
            at = new.pop()
            more = {*self.signers[at], *self.unsure[at]} - found
            found |= more
            new.extend(more)
        return found

    def path(self, start: int) -> list[int]:
        """Return the way from a certificate to the last signer in the file."""
        way = [start]
        while (signers := self.signers[way[-1]] or self.unsure[way[-1]]) and signers[0] not in way:
            way.append(signers[0])
        return way


def links(certificates: Sequence[Parsed]) -> Links:
    """Return who signed whom. Of several that fit, the next one in the file comes first."""
    named: dict[Hashable, list[int]] = defaultdict(list)
    for index, certificate in enumerate(certificates):
        named[certificate.subject].append(index)
    answers: dict[bool | None, list[tuple[int, ...]]] = {True: [], None: [], False: []}
    checks = 0
    for index, certificate in enumerate(certificates):
        others = _near(named[certificate.issuer], index)
        if others and certificate.row.self_signed and signed_by(certificate, certificate):
            others = []
        checks += len(others)
        said = {
            other: signed_by(certificate, certificates[other]) if checks < _MAX_CHECKS else None for other in others
        }
        for answer, found in answers.items():
            found.append(tuple(other for other, signed in said.items() if signed is answer))
    return Links(tuple(answers[True]), tuple(answers[None]), tuple(answers[False]))


def _near(ascending: list[int], index: int) -> list[int]:
    """Return the next few numbers above one, then the first ones below it."""
    above = bisect_right(ascending, index)
    below = bisect_left(ascending, index)
    return (ascending[above : above + _MAX_NAMESAKES] + ascending[: min(below, _MAX_NAMESAKES)])[:_MAX_NAMESAKES]


def leaf(certificates: Sequence[Parsed], found: Links) -> int:
    """Return the certificate a file is about: the first that issues nothing, else the first."""
    issuing = {signer for signers in found.signers for signer in signers}
    owned = [index for index, certificate in enumerate(certificates) if not certificate.row.is_authority]
    return next((index for index in owned if index not in issuing), owned[0] if owned else 0)


def is_store(certificates: Sequence[Parsed]) -> bool:
    """Whether there are only authorities; one of version 1 cannot say so, but signs itself."""
    authorities = [certificate.row.is_authority for certificate in certificates]
    return any(authorities) and all(
        authority or (certificate.version == 1 and certificate.row.self_signed)
        for authority, certificate in zip(authorities, certificates, strict=True)
    )


def disorder(certificates: Sequence[Parsed], found: Links, owner: int) -> Iterator[tuple[int, str]]:
    """Yield the index of a certificate whose chain is not in order, and how it is."""
    way = found.path(owner)
    if way != sorted({0, *way}):
        order = ", ".join(str(certificates[index].row.position) for index in way)
        asked = "the peer's own certificate first, then the one that signed it, and so on"
        yield owner, f"the chain is not in order ({asked}): here these are {order}"


def strangers(certificates: Sequence[Parsed], found: Links, owner: int) -> Iterator[tuple[int, str]]:
    """Yield the index of each certificate that does not belong to the chain of one, or is there again, and why."""
    reached, seen = found.reach(owner), set()
    for index, certificate in enumerate(certificates):
        shown = f"certificate {certificate.row.position} ({certificate.row.subject})"
        if certificate.row.fingerprint in seen:
            yield index, f"{shown} is there a second time"
        elif index not in reached:
            namesakes = [other for other in reached if index in found.namesakes[other]]
            of = certificates[min(namesakes)].row.position if namesakes else None
            why = f": it has the name of the issuer of certificate {of}, but another key" if of else ""
            yield index, f"{shown} does not belong to the chain of certificate {certificates[owner].row.position}{why}"
        seen.add(certificate.row.fingerprint)


def unchecked(certificates: Sequence[Parsed], found: Links) -> Iterator[tuple[int, str]]:
    """Yield the index of each certificate whose signature nobody could check, and why."""
    for index, others in enumerate(found.unsure):
        if others and not found.signers[index]:
            one, other = (certificates[at].row.position for at in (index, others[0]))
            yield index, f"whether certificate {other} signed certificate {one} cannot be checked with its key"
