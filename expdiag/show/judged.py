"""The findings a picture goes by, found by rule and subject."""

from __future__ import annotations

import re

from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Finding, Findings

WORST_FIRST = (VIOLATION, UNKNOWN, PASS, NOT_APPLICABLE)
_NAMED = re.compile(r"TCP|UDP|[0-9]+(?:-[0-9]+)?")


class Judged:
    """The findings of a case by the number of the requirement and the names of its peers."""

    def __init__(self, findings: Findings) -> None:
        self._found: dict[tuple[str, tuple[str, ...]], Finding] = {}
        for finding in findings:
            peers = () if finding.subject.kind == "cluster" else finding.subject.peers
            self._found[finding.requirement.number, peers] = finding

    def of(self, number: str, *peers: str) -> Finding | None:
        """Return the finding of a requirement about some peers, or about the cluster without any."""
        return self._found.get((number, peers))

    def outcome(self, number: str, *peers: str) -> str | None:
        """Return its outcome; None where nothing was judged."""
        finding = self.of(number, *peers)
        return finding.outcome if finding else None


def worst(outcomes: list[str | None]) -> str | None:
    """Return the worst of some outcomes, None without any."""
    return next((outcome for outcome in WORST_FIRST if outcome in outcomes), None)


def names(sentence: str, text: str) -> bool:
    """Return whether a sentence holds a name, an address or a few words, and not only as part of a longer one."""
    return bool(text) and re.search(rf"(?<![\w.-]){re.escape(text)}(?![\w-]|\.\w)", sentence) is not None


def ports_blamed(finding: Finding) -> set[str]:
    """Return the ports a violation is about, `TCP 4371`, as its measured value lists them."""
    found, transport = set(), ""
    for word in _NAMED.findall(str(finding.verdict.measured or "")):
        if word in ("TCP", "UDP"):
            transport = word
        else:
            found.add(f"{transport} {word}")
    return found
