"""Verdicts of rules, and the one table they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, overload

from expdiag.evidence import Source
from expdiag.knowledge import Requirement

if TYPE_CHECKING:
    import pandas as pd

PASS, VIOLATION, UNKNOWN, NOT_APPLICABLE = OUTCOMES = ("pass", "violation", "unknown", "not-applicable")


@dataclass(frozen=True, slots=True)
class Want:
    """A capture that would settle an unknown, as something a customer can do.

    Attributes:
        kind: what is captured: `bundle`, `export`, `log`, `certificate`, `packets`, `ping`, `ports`, `lookup`, `fact`.
        place: where: the name of a peer, `outside`, `tms`, or `case.toml`.
        text: what to do and where to put the result.
    """

    kind: str
    place: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one subject.

    Attributes:
        outcome: one of `OUTCOMES`.
        reason: why, in a sentence; never empty.
        measured: the value found, None where the rule compares nothing.
        wanted: the value it was held against.
        unit: unit of both, empty for texts.
        evidence: source ids of what proves it.
        at_fault: names of the peers on which something has to change, as far as the evidence tells.
        want: for an unknown, the captures that would settle it; it takes all of them.
        fix: for a violation, what to change and where.
        log_in: the peers to log in to for the fix, where they are others than those at fault.
        crashed: the rule itself failed; the outcome is then `unknown`.
    """

    outcome: str
    reason: str
    measured: float | str | None = None
    wanted: float | str | None = None
    unit: str = ""
    evidence: tuple[int, ...] = ()
    at_fault: tuple[str, ...] = ()
    want: tuple[Want, ...] = ()
    fix: str = ""
    log_in: tuple[str, ...] = ()
    crashed: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about: `cluster`, `peer`, `pair` or `ordered pair`, and the names of its peers."""

    kind: str
    peers: tuple[str, ...]

    def __str__(self) -> str:
        if self.kind == "cluster":
            return "cluster"
        return (" → " if self.kind == "ordered pair" else " – ").join(self.peers)


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one rule on one subject."""

    requirement: Requirement
    subject: Subject
    verdict: Verdict
    sources: tuple[Source, ...]
    accepted: str | None = None

    @property
    def outcome(self) -> str:
        """One of `OUTCOMES`."""
        return self.verdict.outcome

    def _repr_html_(self) -> str:
        from expdiag.show import display

        return display.of_finding(self)

    @property
    def is_open_violation(self) -> bool:
        """Whether this breaks a `must` and nobody accepted it."""
        return self.outcome == VIOLATION and self.requirement.strength == "must" and self.accepted is None


@dataclass(frozen=True, slots=True)
class PeerSummary:
    """What a report says of a peer in its heading; None where the evidence does not tell."""

    peer: str
    type: str | None
    version: str | None
    platform: str | None
    address: str | None
    primary: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a peer itself reports to be wrong: an alarm that is up, or a kind of record in its log.

    Attributes:
        peer: who reports it.
        number: number of the alarm; None for records of a log.
        title: what it says, in a few words.
        times: how often; 1 for an alarm.
        rules: ids of the rules whose violation would explain it.
        sources: the alarm, or the first and the last record.
    """

    peer: str
    number: int | None
    title: str
    times: int
    rules: tuple[str, ...]
    sources: tuple[Source, ...]


class Findings(Sequence[Finding]):
    """All findings of a case, in the order of the catalogue.

    Attributes:
        case_name: name of the case.
        as_of: the clock the validity checks used, None where the evidence holds no time.
        peers: the peers judged.
        symptoms: what the peers themselves report.
        problems: rules of plug-ins that could not be used, a sentence each.
    """

    def __init__(
        self,
        findings: Sequence[Finding],
        case_name: str,
        as_of: datetime | None,
        peers: Sequence[PeerSummary],
        symptoms: Sequence[Symptom] = (),
        problems: Sequence[str] = (),
    ) -> None:
        self._findings = tuple(findings)
        self.case_name = case_name
        self.as_of = as_of
        self.peers = tuple(peers)
        self.symptoms = tuple(symptoms)
        self.problems = tuple(problems)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by outcome; every outcome is there."""
        counted = Counter(finding.outcome for finding in self._findings)
        return {outcome: counted[outcome] for outcome in OUTCOMES}

    @property
    def crashed(self) -> bool:
        """Whether a rule failed on any subject, or that of a plug-in could not be used."""
        return bool(self.problems) or any(finding.verdict.crashed for finding in self._findings)

    def of(self, outcome: str) -> tuple[Finding, ...]:
        """Return the findings of one outcome, those of a `must` first."""
        found = [finding for finding in self._findings if finding.outcome == outcome]
        return tuple(sorted(found, key=lambda f: (f.accepted is not None, f.requirement.strength != "must")))

    @property
    def frame(self) -> pd.DataFrame:
        """The findings as a DataFrame, one row each, columns as in the JSON output."""
        import pandas as pd

        from expdiag.tables.shown import ShownFrame

        columns = {
            "requirement": [f.requirement.number for f in self],
            "rule": [f.requirement.rule for f in self],
            "strength": [f.requirement.strength for f in self],
            "subject": [str(f.subject) for f in self],
            "kind": [f.subject.kind for f in self],
            "peers": [f.subject.peers for f in self],
            "outcome": [f.outcome for f in self],
            "at_fault": [f.verdict.at_fault for f in self],
            "reason": [f.verdict.reason for f in self],
            "measured": [f.verdict.measured for f in self],
            "wanted": [f.verdict.wanted for f in self],
            "unit": [f.verdict.unit for f in self],
            "accepted": [f.accepted is not None for f in self],
            "evidence": [f.sources for f in self],
            "want": [tuple(map(str, f.verdict.want)) for f in self],
            "fix": [f.verdict.fix for f in self],
            "reference": [f.requirement.reference for f in self],
        }
        texts = (
            "requirement",
            "rule",
            "strength",
            "subject",
            "kind",
            "outcome",
            "reason",
            "unit",
            "fix",
            "reference",
        )
        return ShownFrame(
            {
                name: pd.Series(
                    values, dtype="string" if name in texts else "boolean" if name == "accepted" else "object"
                )
                for name, values in columns.items()
            }
        )

    def _repr_html_(self) -> str:
        from expdiag.show import display

        return display.of_findings(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
        return f"<Findings on {self.case_name}: {counts}>"
