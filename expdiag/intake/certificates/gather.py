"""Certificates of one file or presentation as rows: what each is to the others, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from expdiag.intake.certificates import chain
from expdiag.intake.certificates.der import DerError
from expdiag.intake.certificates.x509 import Parsed, parse
from expdiag.intake.reading import Harvest, TooMuchError
from expdiag.tables import Certificate

_MAX_CERTIFICATES = 5000
_WITH_A_CHAIN = ("server", "client")


@dataclass(slots=True)
class Gathering:
    """The certificates of one file or presentation, until it is known what each is to the others.

    Attributes:
        harvest: takes rows and issues.
        about: words before those each certificate is shown with.
        ordered: False where the format gives certificates no order.
        undecoded: how many have a place, but cannot be decoded.
    """

    harvest: Harvest
    about: str = ""
    ordered: bool = True
    undecoded: int = 0
    _parsed: list[Parsed] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def rows(self, certificates: Iterable[tuple[bytes, int]], role: str) -> list[Certificate]:
        """Add the rows of certificates in DER, given with their lines, also where reading them breaks off.

        Args:
            certificates: bytes and line of each, in order.
            role: `presented` or `ca` for each; `server` or `client` for the one it is about, `chain` for the others;
                empty where only the certificates themselves can tell.
        """
        try:
            for data, line in certificates:
                self._take(data, line)
        finally:
            rows = self._add_rows(role)
        return rows

    def _take(self, data: bytes, line: int) -> None:
        if len(self._parsed) >= _MAX_CERTIFICATES:
            raise TooMuchError(f"more than {_MAX_CERTIFICATES} certificates; the rest was not read")
        position = self._before() + len(self._parsed) + self.undecoded + 1
        try:
            certificate = parse(data)
        except DerError as error:
            self.undecoded += 1
            self._issue("broken", f"certificate {position} cannot be decoded: {error}", line)
            return
        for problem in certificate.problems:
            self._issue("broken", f"certificate {position}: {problem}", line)
        self._parsed.append(replace(certificate, row=certificate.row._replace(position=position)))
        self._lines.append(line)

    def _before(self) -> int:
        """Return the position of the last certificate another presentation of the same file left."""
        earlier = self.harvest.rows.get("certificates")
        return int(earlier[-1].position) if earlier else 0

    def _add_rows(self, role: str) -> list[Certificate]:
        if not self._parsed:
            return []
        links = chain.links(self._parsed)
        owner = chain.leaf(self._parsed, links)
        role = role or _role_by_content(self._parsed, owner)
        rows = []
        for index, (certificate, line) in enumerate(zip(self._parsed, self._lines, strict=True)):
            signers = links.signers[index]
            row = certificate.row._replace(
                role="chain" if role in _WITH_A_CHAIN and index != owner else role,
                issued_by=self._parsed[signers[0]].row.position if signers else None,
            )
            self.harvest.certificates[row.fingerprint] = certificate.data
            rows.append(row._replace(source=self.harvest.note(line, self.about + _shown(row))))
            self.harvest.add(rows[-1])
        for index, text in self._chain_problems(role, links, owner):
            self._issue("chain", text, self._lines[index])
        return rows

    def _chain_problems(self, role: str, links: chain.Links, owner: int) -> Iterator[tuple[int, str]]:
        yield from chain.unchecked(self._parsed, links)
        if role == "ca":
            return
        if self.ordered:
            yield from chain.disorder(self._parsed, links, owner)
        if self.harvest.complete and not self.undecoded:  # else the link may be missing that makes them belong
            yield from chain.strangers(self._parsed, links, owner)

    def _issue(self, kind: str, text: str, line: int) -> None:
        self.harvest.issue(kind, text, line if line > 0 else None)


def _role_by_content(certificates: list[Parsed], owner: int) -> str:
    if chain.is_store(certificates):
        return "ca"
    return "client" if certificates[owner].row.purposes == ("clientAuth",) else "server"


def _shown(row: Certificate) -> str:
    start, end = (f"{time:%Y-%m-%d}" if time else "an unknown time" for time in (row.not_before, row.not_after))
    return (
        f"certificate {row.position}: subject {row.subject}; SAN {', '.join(row.dns_names) or 'none'}; "
        f"valid {start} to {end}; for {', '.join(row.purposes) if row.purposes is not None else 'any purpose'}; "
        f"issuer {row.issuer}; key {row.key_fingerprint[:16]}…"
    )
