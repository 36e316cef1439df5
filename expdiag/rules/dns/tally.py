"""What a rule finds over several lookups, and the verdict they make together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from expdiag.findings import Verdict, Want
from expdiag.model.dns.answers import DENIED, DISPUTED, FAILED, FOUND, Result
from expdiag.rules.declare import passed, steps, unknown, violation

_ANSWER = (
    "see that the DNS servers the peer asks (System > DNS) answer at all: reachable on UDP and TCP port 53, neither "
    "refusing nor failing"
)


@dataclass
class Tally:
    """Lookups sorted by what they show.

    Attributes:
        right: what is as it must be.
        wrong: what is not.
        open: what the evidence does not settle; `questions` would, as `dig` takes them.
        notes: what is worth saying besides.
        unanswered: a server did not answer, refused or failed, which records do not mend.
    """

    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    proof: list[int] = field(default_factory=list)
    proof_of_wrong: list[int] = field(default_factory=list)
    unanswered: bool = False

    def good(self, text: str, sources: Iterable[int] = ()) -> None:
        """Take what is right."""
        self.right.append(text)
        self.proof += sources

    def bad(self, text: str, sources: Iterable[int], measured: str = "", wanted: str = "") -> None:
        """Take what is wrong, with what was measured and what it should have been."""
        self.wrong.append(text)
        self.measured.append(measured or text)
        self.wanted += [wanted] if wanted else []
        self.proof_of_wrong += sources

    def unsettled(self, text: str, *questions: str, sources: Iterable[int] = (), wants: Iterable[Want] = ()) -> None:
        """Take what is open, with the questions whose answers settle it."""
        self.open.append(text)
        self.questions += questions
        self.wants += wants
        self.proof += sources

    def note(self, text: str, sources: Iterable[int] = ()) -> None:
        """Take a remark; each is said once."""
        if text not in self.notes:
            self.notes.append(text)
        self.proof += sources

    def take(self, what: str, result: Result, *questions: str, wanted: str = "") -> bool:
        """Take a lookup; return whether it found anything, which is then to be judged."""
        if result.state == FOUND:
            if len({answer.said for answer in result.answers}) > 1:
                self.note(f"{what}: {result.said}")
            if result.earlier:
                self.note(f"{what}: {result.earlier}")
            return True
        if result.state in (DENIED, FAILED):
            earlier = f" ({result.earlier})" if result.earlier else ""
            self.bad(f"{what}: {result.said}{earlier}", result.sources, result.said, wanted)
            self.unanswered |= result.state == FAILED
        elif result.state == DISPUTED:
            said = " and ".join(dict.fromkeys(answer.said for answer in result.answers))
            text = f"{what}: {said}, and nothing tells which answer is newer"
            self.unsettled(text, *questions, sources=result.sources)
        else:
            self.unsettled(f"{what}: nobody asked", *questions)
        return False

    def verdict(
        self,
        all_is_well: str,
        *,
        fix: str,
        at_fault: Iterable[str],
        wanted: str,
        want: Iterable[Want] = (),
        cite: str = "",
    ) -> Verdict:
        """Return the verdict: what is wrong first, then what is open.

        Args:
            all_is_well: the reason where nothing is wrong or open.
            want: captures for the questions that are open.
        """
        if self.wrong:
            return violation(
                _sentence([*self.wrong, *self.notes]),
                evidence=[*self.proof_of_wrong, *self.proof],
                at_fault=at_fault,
                measured="; ".join(dict.fromkeys(self.measured)),
                wanted="; ".join(dict.fromkeys(self.wanted)) if len(self.wanted) == len(self.wrong) else wanted,
                fix=steps(_ANSWER, fix) if self.unanswered else fix,
                cite=cite,
            )
        if self.open:
            wants = [*(want if self.questions else ()), *self.wants]
            return unknown(_sentence([*self.open, *self.notes]), want=wants, evidence=self.proof)
        return passed(_sentence([all_is_well, *self.notes]), evidence=self.proof)


def _sentence(parts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(parts))
