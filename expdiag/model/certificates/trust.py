"""Chains of certificates: whether one leads to an authority of a trust store, and what is wrong with its way.

Paths are built and checked as OpenSSL does by default (RFC 5280, 6.1): an authority is found by its name and by the
signature it made, the store is searched before what the other side sends, a path ends in a self-signed certificate
that is in the store. The verifier of the `cryptography` library is not used: it follows the rules of the web, refuses
what Expressways accept (SHA-1, short keys, a CN alone) and does not say why. The signatures are checked with its keys.

The certificate at the beginning of a path is not judged here, only who vouches for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice, pairwise

from expdiag.intake.certificates.der import DerError
from expdiag.intake.certificates.signing import signed_by
from expdiag.intake.certificates.x509 import Parsed, parse
from expdiag.model.certificates import constraints
from expdiag.tables import Certificate

ANY_PURPOSE = "anyExtendedKeyUsage"
_WEAK = ("md2", "md5", "sha1")
_LONGEST, _MOST_PATHS, _MOST_NAMESAKES = 12, 64, 100  # more than any authority has; else a file only costs time


class Fault(StrEnum):
    """What may be wrong with a path; each is about one of its certificates."""

    NO_ISSUER = "no issuer"  # nobody who could have signed it is in the store or was sent
    OTHER_KEY = "issuer with another key"  # only authorities of that name that did not sign it
    NOT_IN_STORE = "not in the store"  # the path ends in it, and it signed itself, but nobody trusts it
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    NO_AUTHORITY = "no authority"  # its basic constraints do not let it sign certificates
    MAY_NOT_SIGN = "may not sign certificates"  # its key usage does not
    TOO_LONG = "path too long"
    NAME_NOT_PERMITTED = "name not permitted"
    PURPOSE = "not for this purpose"
    UNCHECKED = "unchecked"  # a key, an algorithm or an extension nobody here can use


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault and the certificate it is about."""

    fault: Fault
    about: Certificate


@dataclass(frozen=True, slots=True)
class Chain:
    """The best way from a certificate to an authority.

    Attributes:
        way: the certificate, then who signed it, and so on.
        problems: what keeps it from being trusted; empty where it is.
        sent: the certificates of the way that are not in the store.
    """

    way: tuple[Certificate, ...]
    problems: tuple[Problem, ...]
    sent: tuple[Certificate, ...]

    @property
    def is_trusted(self) -> bool:
        """Whether the way ends in the store and nothing is wrong with it."""
        return not self.problems

    @property
    def is_certain(self) -> bool:
        """Whether everything on the way could be checked."""
        return all(problem.fault is not Fault.UNCHECKED for problem in self.problems)

    @property
    def weak(self) -> tuple[Certificate, ...]:
        """The certificates of the way whose signature has a hash that newer software refuses."""
        return tuple(c for c in self.way if c.signature_hash.lower() in _WEAK and not c.self_signed)


@dataclass(frozen=True, slots=True)
class Store:
    """Certificates by the name of their owner.

    Attributes:
        members: the certificates, each once.
        fingerprints: what tells this store from another one.
    """

    members: tuple[Certificate, ...]
    fingerprints: frozenset[str] = field(repr=False)
    _by_name: Mapping[str, tuple[Certificate, ...]] = field(compare=False, repr=False)

    @classmethod
    def of(cls, certificates: Iterable[Certificate]) -> Store:
        """Return the store of some certificates; the same one twice counts once."""
        once = {certificate.fingerprint: certificate for certificate in certificates}
        by_name: dict[str, list[Certificate]] = {}
        for certificate in once.values():
            by_name.setdefault(_name(certificate.subject), []).append(certificate)
        named = {name: tuple(found) for name, found in by_name.items()}
        return cls(tuple(once.values()), frozenset(once), named)

    def named(self, subject: str) -> tuple[Certificate, ...]:
        """Return the certificates of an owner."""
        return self._by_name.get(_name(subject), ())


def _name(subject: str) -> str:
    return " ".join(subject.split()).lower()


class Trust:
    """Builds chains, and remembers which signatures it has checked."""

    def __init__(self, certificates: Mapping[str, bytes]) -> None:
        """Take the bytes (DER) of all certificates by their fingerprints."""
        self._bytes = certificates
        self._parsed: dict[str, Parsed | None] = {}
        self._signed: dict[tuple[str, str], bool | None] = {}

    def chain(
        self,
        certificate: Certificate,
        sent: Sequence[Certificate],
        store: Store,
        when: datetime | None,
        purposes: Sequence[str] = (),
    ) -> Chain:
        """Return the way with the fewest problems from a certificate to an authority of a store.

        Args:
            certificate: whose chain it is.
            sent: certificates that come with it.
            store: whom the other side trusts.
            when: the time for which the authorities must be valid; None leaves dates out.
            purposes: extended key usages the authorities must allow where they limit them.
        """
        trusted, offered = store.fingerprints, Store.of(sent)
        best: Chain | None = None
        for way in islice(self._ways((certificate,), store, offered), _MOST_PATHS):
            problems = tuple(self._problems(way, trusted, store, offered, when, purposes))
            if best is None or _badness(problems) < _badness(best.problems):
                best = Chain(way, problems, tuple(c for c in way if c.fingerprint not in trusted))
            if not problems:
                break
        assert best is not None  # a certificate alone is a way
        return best

    def _ways(self, way: tuple[Certificate, ...], store: Store, sent: Store) -> Iterator[tuple[Certificate, ...]]:
        last = way[-1]
        if self._signs_itself(last) or len(way) >= _LONGEST:
            yield way
            return
        met = {certificate.fingerprint for certificate in way}
        named = {c.fingerprint: c for c in (*store.named(last.issuer), *sent.named(last.issuer))}
        candidates = islice((c for c in named.values() if c.fingerprint not in met), _MOST_NAMESAKES)
        signers = [candidate for candidate in candidates if self.signed(last, candidate) is not False]
        for signer in signers:
            yield from self._ways((*way, signer), store, sent)
        if not signers:
            yield way

    def _problems(
        self,
        way: tuple[Certificate, ...],
        trusted: frozenset[str],
        store: Store,
        sent: Store,
        when: datetime | None,
        purposes: Sequence[str],
    ) -> Iterator[Problem]:
        below = 0  # authorities between this one and the certificate, those that renew themselves not counted
        for certificate, signer in pairwise(way):
            if self.signed(certificate, signer) is None:
                yield Problem(Fault.UNCHECKED, certificate)
            for fault in self._faults(signer, way, below, when, purposes):
                yield Problem(fault, signer)
            below += not signer.self_signed
        last = way[-1]
        if not self._signs_itself(last):
            namesakes = [*store.named(last.issuer), *sent.named(last.issuer)]
            others = any(c.fingerprint != last.fingerprint for c in namesakes)
            yield Problem(Fault.OTHER_KEY if others else Fault.NO_ISSUER, last)
        elif last.fingerprint not in trusted:
            yield Problem(Fault.NOT_IN_STORE, last)

    def _faults(
        self,
        signer: Certificate,
        way: tuple[Certificate, ...],
        below: int,
        when: datetime | None,
        purposes: Sequence[str],
    ) -> Iterator[Fault]:
        parsed = self._read(signer)
        if when and signer.not_after and signer.not_after < when:
            yield Fault.EXPIRED
        if when and signer.not_before and signer.not_before > when:
            yield Fault.NOT_YET_VALID
        of_version_1 = parsed is not None and parsed.version == 1 and signer.self_signed
        if not signer.is_authority and not of_version_1:
            yield Fault.NO_AUTHORITY
        if signer.usages is not None and "key_cert_sign" not in signer.usages:
            yield Fault.MAY_NOT_SIGN
        if parsed and parsed.path_length is not None and below > parsed.path_length:
            yield Fault.TOO_LONG
        if not allows(signer, purposes):
            yield Fault.PURPOSE
        permitted = constraints.permits(parsed.data, way[0]) if parsed else None
        if permitted is None:
            yield Fault.UNCHECKED
        elif not permitted:
            yield Fault.NAME_NOT_PERMITTED

    def signed(self, certificate: Certificate, signer: Certificate) -> bool | None:
        """Whether one certificate signed another; None where that cannot be checked."""
        key = (certificate.fingerprint, signer.fingerprint)
        if key not in self._signed:
            one, other = self._read(certificate), self._read(signer)
            if one is None or other is None:
                self._signed[key] = None
            else:
                self._signed[key] = one.issuer == other.subject and signed_by(one, other)
        return self._signed[key]

    def _signs_itself(self, certificate: Certificate) -> bool:
        """Whether a certificate is its own issuer; one that renews a key has the same name, but another signer."""
        return certificate.self_signed and self.signed(certificate, certificate) is not False

    def _read(self, certificate: Certificate) -> Parsed | None:
        if certificate.fingerprint not in self._parsed:
            data = self._bytes.get(certificate.fingerprint)
            try:
                self._parsed[certificate.fingerprint] = parse(data) if data else None
            except DerError:
                self._parsed[certificate.fingerprint] = None
        return self._parsed[certificate.fingerprint]


def allows(certificate: Certificate, purposes: Iterable[str]) -> bool:
    """Whether a certificate is good for purposes; one that names none is good for all (RFC 5280, 4.2.1.12)."""
    found = certificate.purposes
    return found is None or ANY_PURPOSE in found or all(purpose in found for purpose in purposes)


_MISSING = (Fault.NO_ISSUER, Fault.OTHER_KEY, Fault.NOT_IN_STORE)


def _badness(problems: Sequence[Problem]) -> tuple[bool, int, bool]:
    """Return how far a way is from being trusted: one that ends in the store is nearer than any that does not."""
    faults = [problem.fault for problem in problems]
    ends = [fault for fault in faults if fault in _MISSING]
    return bool(ends), len(faults), Fault.NOT_IN_STORE not in ends
