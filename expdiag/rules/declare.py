"""How a rule is declared, and the words it answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from expdiag import knowledge
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Verdict, Want
from expdiag.knowledge import Requirement


@dataclass(frozen=True, slots=True)
class Rule:
    """A requirement and the function that judges it.

    Attributes:
        compares: it compares peers, so a cluster of one has nothing to judge.
    """

    requirement: Requirement
    judge: Callable[..., Verdict]
    compares: bool

    @property
    def manual(self) -> str:
        """The rule's page: the docstring of its function."""
        lines = (self.judge.__doc__ or "").strip().splitlines()
        return "\n".join(line.removeprefix("    ") for line in lines)


def rule(number: str, *, compares: bool = False) -> Callable[[Callable[..., Verdict]], Rule]:
    """Declare the function that judges a requirement.

    It gets the cluster, then its subject: nothing, a peer, or two peers, as the requirement's `each` says.
    """
    requirement = next(known for known in knowledge.requirements() if known.number == number)
    return lambda judge: Rule(requirement, judge, compares)


def custom(
    name: str, *, title: str, each: str, reference: str, strength: str = "should", compares: bool = False
) -> Callable[[Callable[..., Verdict]], Rule]:
    """Declare a rule that is in no catalogue, for a plug-in.

    Args:
        name: its id, with the name of its maker: `acme:login-banner`.
        title: the requirement in a sentence.
        each: `cluster`, `peer`, `pair` or `ordered pair`.
        reference: who asks for it, title and section.
        strength: `must` or `should`.
        compares: it compares peers, so a cluster of one has nothing to judge.
    """
    requirement = Requirement(name, name, "plug-in", strength, each, title, reference)
    return lambda judge: Rule(requirement, judge, compares)


def passed(reason: str, evidence: Iterable[int] = (), **compared: Any) -> Verdict:
    """Say that a subject satisfies the requirement."""
    return Verdict(PASS, reason, evidence=_unique(evidence), **compared)


def violation(
    reason: str,
    *,
    fix: str,
    evidence: Iterable[int] = (),
    at_fault: Iterable[str] = (),
    log_in: Iterable[str] = (),
    cite: str = "",
    **compared: Any,
) -> Verdict:
    """Say that a subject breaks the requirement, who has to change, and what.

    Args:
        fix: what to do, on which peer and page; several `steps` in their order.
        log_in: peers to log in to for it, where they are others than those at fault.
        cite: title and section the fix comes from, where they are others than the requirement's.
        compared: `measured`, `wanted` and `unit`.
    """
    blamed = tuple(sorted(at_fault))
    return Verdict(
        VIOLATION,
        reason,
        fix=f"{fix} (source: {cite})" if cite else fix,
        evidence=_unique(evidence),
        at_fault=blamed,
        log_in=tuple(log_in) or blamed,
        **compared,
    )


def steps(*texts: str) -> str:
    """Return a fix of several steps, numbered, one a line."""
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, start=1))


def unknown(reason: str, want: Iterable[Want], evidence: Iterable[int] = (), **compared: Any) -> Verdict:
    """Say that the evidence does not settle it, and which captures would."""
    return Verdict(UNKNOWN, reason, want=tuple(dict.fromkeys(want)), evidence=_unique(evidence), **compared)


def not_applicable(reason: str, evidence: Iterable[int] = ()) -> Verdict:
    """Say why the requirement does not concern the subject."""
    return Verdict(NOT_APPLICABLE, reason, evidence=_unique(evidence))


def _unique(evidence: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(evidence))
