"""Whether each peer's certificate comes from an authority that the others trust."""

from __future__ import annotations

from dataclasses import dataclass

from expdiag.findings import Verdict, Want
from expdiag.model.certificates import presented, verification
from expdiag.model.certificates.certificate import needed_purposes
from expdiag.model.certificates.presented import CLIENT, NEW_CERTIFICATE_ALARM, Presented, Shown
from expdiag.model.certificates.trust import Chain, Fault, Problem, Trust
from expdiag.model.certificates.verification import PERMISSIVE
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.basic.certificates import up, which
from expdiag.rules.basic.validity import REFUSED_ITSELF, problems, weighed
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.tables import Certificate

STORE_PAGE = "Maintenance > Security > Trusted CA certificate"
_UNTRUSTED_ALERTS = ("unknown_ca", "bad_certificate", "certificate_unknown")
_MISSING = (Fault.NO_ISSUER, Fault.OTHER_KEY, Fault.NOT_IN_STORE)
_CITE = "Cluster Creation and Maintenance Deployment Guide X12.6, Reference, peer-specific items"


@dataclass(frozen=True, slots=True)
class Judged:
    """A certificate one peer presents, and the way it leads in the trust store of another."""

    shown: Presented
    chain: Chain


@rule("R20")
def certificate_authority_trusted(cluster: Cluster, presenter: Peer, verifier: Peer) -> Verdict:
    """The certificate of each peer leads to an authority in the trust store of every other peer.

    Why: with Enforce a peer refuses a certificate whose authorities it does not trust. Trust stores are each peer's
    own and do not replicate.
    Passes: from the certificate that the first peer presents, over the intermediates that it sends or that the second
    one has, signatures lead to a root in the trust store of the second one, and all authorities on the way are valid
    and may sign. From X15.5 on that goes for the client certificate, too. Without a PEM file, a capture in which the
    second peer went on with the certificate of the first.
    Violates: root or intermediate is missing, has another key, has expired or may not sign; or the second peer
    refused the certificate on port 4371 or 4372 with unknown_ca, or with bad_certificate where nothing else explains
    it. What is wrong with the certificate itself is R19.
    Unknown: the mode of the second peer, the certificate or the trust store is not in the evidence or not whole. What
    `openssl s_client` says of a certificate is shown, but it trusts other authorities than the Expressway does.
    Not applicable: Permissive; the reason then says whether Enforce would work.
    """
    mode = verification.mode_of(cluster, verifier)
    found = _judged(cluster, presenter, verifier)
    failing = [each for each in found if not each.chain.is_trusted]
    last = presented.last_word(cluster, presenter, verifier)
    refused = last if last and _is_about_authorities(cluster, presenter, last) else None
    evidence = _evidence(cluster, verifier, found, mode.sources, last)
    said = "; ".join(_failure(each, presenter, verifier) for each in failing)
    if not mode.enforced:
        would = said or (f"with Enforce {verifier} would trust it" if found else "what Enforce would do is not shown")
        if refused:
            would += f"; yet {_refusal(refused, verifier, explained=True)}, so it verified then"
        return _without_enforce(cluster, presenter, verifier, would, evidence)
    certain = [each for each in failing if _is_certain(cluster, verifier, each)]
    if certain or refused:
        return violation(
            "; ".join(filter(None, [said, _refusal(refused, verifier, bool(failing)), _doubts(last, failing)])),
            evidence=evidence,
            at_fault=_blamed(cluster, presenter, verifier),
            measured="; ".join(_shown_way(each.chain) for each in certain) or f"alert {last.refusal if last else ''}",
            wanted=f"a way to a root in the trust store of {verifier}",
            fix=_fix(cluster, presenter, verifier, certain),
            cite=_CITE,
        )
    wanted = _wanted(cluster, presenter, verifier)
    if failing and all(not each.chain.is_certain for each in failing):
        wanted = {want.support(f"whether {verifier} trusts {which(failing[0].shown)} of {presenter}"): said}
    elif failing:
        wanted[want.trust_store(verifier)] = said
    if wanted and last and last.accepted and not found:
        return passed(
            f"{_moment(last)} {verifier} went on with the certificate {presenter} presented, under Enforce; its trust "
            "store or the certificate is not in the case, so the way itself is not shown",
            evidence=evidence,
        )
    if wanted:
        reasons = "; ".join(dict.fromkeys(filter(None, wanted.values())))
        return unknown(reasons + _tool(cluster, presenter, verifier), want=wanted, evidence=evidence)
    return passed(
        f"{verifier} trusts it: {'; '.join(f'{which(each.shown)}, {_shown_way(each.chain)}' for each in found)}"
        f"{_notes(cluster, presenter, verifier, found, last)}{weighed(mode)}",
        evidence=evidence,
    )


def would_trust(cluster: Cluster, presenter: Peer, verifier: Peer) -> bool | None:
    """Whether one peer would trust another, were Enforce on; None where a certificate or a store does not show it."""
    ways = _judged(cluster, presenter, verifier)
    if not ways or _wanted(cluster, presenter, verifier):
        return None
    failing = [way for way in ways if not way.chain.is_trusted]
    if failing and not any(_is_certain(cluster, verifier, way) for way in failing):
        return None
    return not failing


def _without_enforce(cluster: Cluster, presenter: Peer, verifier: Peer, would: str, evidence: list[int]) -> Verdict:
    """Say what Enforce would do, where it is not certain that it is on."""
    mode = verification.mode_of(cluster, verifier)
    if mode.value == PERMISSIVE:
        reason = f"TLS verification mode of {verifier} is Permissive{weighed(mode)}; {would}"
        return not_applicable(reason, evidence=evidence)
    why = f"the evidence for the TLS verification mode of {verifier} contradicts itself{weighed(mode)}"
    if not mode.contradicts_itself:
        why = "the TLS verification mode is not in the evidence"
    wanted = [want.tls_mode(), *_wanted(cluster, presenter, verifier)]
    return unknown(f"{why}; {would}", want=wanted, evidence=evidence)


def _judged(cluster: Cluster, presenter: Peer, verifier: Peer) -> list[Judged]:
    """Return the ways of the certificates of one peer in the trust store of another; none without a store."""
    store = presented.store_of(cluster, verifier)
    if not store.members:
        return []
    memory = cluster.view(_memory)
    found = []
    for shown in presented.in_use(cluster, presenter):
        purposes = needed_purposes(shown.roles, presenter.version.value)
        key = (shown, store.fingerprints, purposes)
        if key not in memory.chains:
            memory.chains[key] = memory.trust.chain(shown.certificate, shown.sent, store, cluster.as_of, purposes)
        found.append(Judged(shown, memory.chains[key]))
    return found


@dataclass(frozen=True, slots=True)
class _Memory:
    """Chains that were built, since peers mostly trust the same authorities."""

    trust: Trust
    chains: dict[tuple[Presented, frozenset[str], tuple[str, ...]], Chain]


def _memory(cluster: Cluster) -> _Memory:
    return _Memory(Trust(cluster.certificates), {})


def _is_certain(cluster: Cluster, verifier: Peer, judged: Judged) -> bool:
    """Whether a way fails whatever is in the part of a trust store that could not be read."""
    if not judged.chain.is_certain:
        return False
    return presented.is_whole(cluster, verifier) or all(p.fault not in _MISSING for p in judged.chain.problems)


def _wanted(cluster: Cluster, presenter: Peer, verifier: Peer) -> dict[Want, str]:
    """Return what is missing to judge, and why."""
    wanted: dict[Want, str] = {}
    if not presented.of_peer(cluster, presenter):
        wanted[want.certificate(presenter)] = f"no certificate of {presenter} is in the case"
    if presented.lacks_client_certificate(cluster, presenter):
        wanted[want.client_certificate(presenter)] = f"the client certificate of {presenter} is not in the case"
    if not presented.store_of(cluster, verifier).members:
        wanted[want.trust_store(verifier)] = f"the trust store of {verifier} is not in the case"
    if cluster.as_of is None:
        wanted[want.as_of()] = "nothing in the evidence tells the time, so dates cannot be judged"
    return wanted


def _is_about_authorities(cluster: Cluster, presenter: Peer, last: Shown) -> bool:
    """Whether a refusal is about who issued a certificate: other alerts, or faults of the certificate, are R19's."""
    if last.refusal not in _UNTRUSTED_ALERTS:
        return False
    return last.refusal == "unknown_ca" or not problems(cluster, presenter)


_WORDS = {
    Fault.EXPIRED: "expired",
    Fault.NOT_YET_VALID: "is not yet valid",
    Fault.NO_AUTHORITY: "may not issue certificates by its basic constraints",
    Fault.MAY_NOT_SIGN: "may not sign certificates by its key usage",
    Fault.TOO_LONG: "does not allow that many authorities below it",
    Fault.NAME_NOT_PERMITTED: "may not issue certificates for these names (name constraints)",
    Fault.PURPOSE: "may not issue certificates for this purpose",
    Fault.UNCHECKED: "has a signature or an extension that cannot be checked here",
}


def _failure(judged: Judged, presenter: Peer, verifier: Peer) -> str:
    """Say why a peer does not trust a certificate."""
    whose = f"{verifier} does not trust {which(judged.shown)} of {presenter}"
    return f"{whose}: {', and '.join(_problem(problem, judged, verifier) for problem in judged.chain.problems)}"


def _problem(problem: Problem, judged: Judged, verifier: Peer) -> str:
    about = problem.about
    it = "it" if about is judged.shown.certificate else f"the authority {about.subject}"
    match problem.fault:
        case Fault.NO_ISSUER:
            return f"{about.issuer}, which issued {it}, is neither in the trust store of {verifier} nor sent"
        case Fault.OTHER_KEY:
            return f"{about.issuer} is there with another key than the one that signed {it}"
        case Fault.NOT_IN_STORE if about is judged.shown.certificate:
            return f"it signed itself and is not in the trust store of {verifier}"
        case Fault.NOT_IN_STORE:
            return f"the root {about.subject} is not in the trust store of {verifier}"
        case Fault.EXPIRED:
            return f"{it} expired on {about.not_after:%Y-%m-%d}"
        case Fault.NOT_YET_VALID:
            return f"{it} is only valid from {about.not_before:%Y-%m-%d} on"
    return f"{it} {_WORDS[problem.fault]}"


def _shown_way(chain: Chain) -> str:
    names = [certificate.common_name or certificate.subject for certificate in chain.way]
    ends = any(problem.fault in (Fault.NO_ISSUER, Fault.OTHER_KEY) for problem in chain.problems)
    return " < ".join([*names, *(["(missing)"] if ends else [])])


def _blamed(cluster: Cluster, presenter: Peer, verifier: Peer) -> tuple[str, ...]:
    """Return who has to change: the presenter where nobody else trusts it either, else the verifier.

    It is the verifier, too, where nobody trusts the primary, and where it does not even trust its own certificate.
    """
    others = [peer for peer in cluster.peers if peer is not presenter]
    trusting = [peer for peer in others if (ways := _judged(cluster, presenter, peer)) and _all_trusted(ways)]
    if trusting or presenter is cluster.primary or not _all_trusted(_judged(cluster, verifier, verifier)):
        return (verifier.name,)
    return (presenter.name,)


def _all_trusted(ways: list[Judged]) -> bool:
    return all(way.chain.is_trusted for way in ways)


def _fix(cluster: Cluster, presenter: Peer, verifier: Peer, failing: list[Judged]) -> str:
    """Return the steps that make one peer trust the other."""
    texts = []
    for each in failing:
        for problem in each.chain.problems:
            texts += _step(cluster, problem, each, presenter, verifier)
    if not texts:
        texts = [
            f"compare the issuer of the certificate {presenter} presents with the trust store of {verifier} "
            f"({STORE_PAGE}); append the authorities that are missing",
            f"restart {presenter} if its certificate was changed since it started, then {verifier}",
        ]
    elif _blamed(cluster, presenter, verifier) == (presenter.name,) and _lacks_authority(failing):
        instead = "; ".join(dict.fromkeys(texts))
        texts = [f"{_signed_anew(presenter)}; or, where all peers are to trust its authority, {instead}"]
    check = f"on {verifier}: System > Clustering must show the certificate of {presenter} as valid"
    return steps(*dict.fromkeys(texts), check)


def _signed_anew(presenter: Peer) -> str:
    return (
        f"have a certificate for {presenter} signed by an authority all peers trust, upload it there "
        f"(Maintenance > Security) and restart {presenter}"
    )


def _lacks_authority(failing: list[Judged]) -> bool:
    """Whether all that is wrong is that authorities above the certificates are not in the trust store."""
    return all(
        problem.fault is Fault.NO_ISSUER
        or (problem.fault is Fault.NOT_IN_STORE and problem.about is not each.shown.certificate)
        for each in failing
        for problem in each.chain.problems
    )


def _step(cluster: Cluster, problem: Problem, judged: Judged, presenter: Peer, verifier: Peer) -> list[str]:
    about = problem.about
    match problem.fault:
        case Fault.NOT_IN_STORE if about is judged.shown.certificate:
            return [_signed_anew(presenter)]
        case Fault.NO_ISSUER | Fault.OTHER_KEY:
            return [
                f"on {verifier}: append the certificate of {about.issuer} that signed it{_where(cluster, about)}, and "
                f"those of the authorities above it up to the root, to the trusted CA certificates ({STORE_PAGE})"
            ]
        case Fault.NOT_IN_STORE:
            return [f"on {verifier}: append the root {about.subject} to the trusted CA certificates ({STORE_PAGE})"]
        case Fault.EXPIRED | Fault.NOT_YET_VALID:
            sent = about in judged.chain.sent
            place = (
                f"on {presenter}: replace it in the file of its certificate" if sent else f"on {verifier}: append it"
            )
            return [f"get the renewed certificate of {about.subject} from the authority", f"{place} ({_page(sent)})"]
    return [
        f"have the certificate of {presenter} issued again by an authority that may issue it, not {about.subject}, "
        f"upload it there (Maintenance > Security) and restart {presenter}"
    ]


def _where(cluster: Cluster, about: Certificate) -> str:
    """Say which peer has the authority that signed a certificate, as the evidence shows it."""
    trust = cluster.view(_memory).trust
    for peer in cluster.peers:
        for authority in presented.store_of(cluster, peer).named(about.issuer):
            if authority.fingerprint != about.fingerprint and trust.signed(about, authority):
                return f" (SHA-256 {authority.fingerprint[:16]}…, as {peer} has it in its trust store)"
    return ""


def _page(sent: bool) -> str:
    return "Maintenance > Security > Server certificate" if sent else STORE_PAGE


def _refusal(refused: Shown | None, verifier: Peer, explained: bool) -> str:
    """Say that a peer refused a certificate, and what speaks against it."""
    if refused is None:
        return ""
    against = (
        ""
        if explained
        else (
            ", though what is in the case should be trusted: another certificate or another trust store may be in use, "
            "which a restart or a newer export shows"
        )
    )
    return f"{_moment(refused)} {verifier} refused it with the alert {refused.refusal}{against}"


def _doubts(last: Shown | None, failing: list[Judged]) -> str:
    if last and last.accepted and failing:
        return f"{_moment(last)} the two still went on with each other; the next connection checks again"
    return ""


def _moment(shown: Shown) -> str:
    return f"on {shown.time:%Y-%m-%d %H:%M:%S} UTC" if shown.time else "in a handshake"


def _tool(cluster: Cluster, presenter: Peer, verifier: Peer) -> str:
    """Say what a tool on the verifying peer said of the certificate."""
    codes = [each.verified for each in presented.shown(cluster, presenter, verifier) if each.verified]
    if not codes:
        return ""
    return f"; on {verifier} {codes[-1]}, but need not trust the same authorities"


def _notes(cluster: Cluster, presenter: Peer, verifier: Peer, found: list[Judged], last: Shown | None) -> str:
    """Say what does not make a certificate untrusted, but should be known."""
    said = []
    for each in found:
        offered = [c.subject for c in each.chain.sent if c is not each.shown.certificate]
        if offered:
            said.append(f"{', '.join(offered)} is only sent by {presenter} and not in the trust store")
        said += [
            f"{c.subject} is signed with {c.signature_hash}, which newer software refuses" for c in each.chain.weak
        ]
    if any(CLIENT not in each.shown.roles and len(found) == 1 and not each.shown.seen for each in found):
        said.append("its client certificate is not in the case; the upgrade to X15.5 made it a copy")
    if presented.another_seen(cluster, presenter):
        said.append("the one it last presented is not the one in its export; a restart may be pending")
    elif up(presenter, NEW_CERTIFICATE_ALARM):
        said.append(f"alarm {NEW_CERTIFICATE_ALARM} is up on {presenter}: the certificate takes effect after a restart")
    if last and last.refusal in (*REFUSED_ITSELF, *_UNTRUSTED_ALERTS):
        said.append(f"{_moment(last)} {verifier} refused it with the alert {last.refusal}, see R19")
    tool = _tool(cluster, presenter, verifier).removeprefix("; ")
    return "".join(f"; note: {text}" for text in (*said, *([tool] if tool else [])))


def _evidence(
    cluster: Cluster, verifier: Peer, found: list[Judged], mode: tuple[int, ...], last: Shown | None
) -> list[int]:
    store = presented.store_of(cluster, verifier)
    way = [c.source for each in found for c in each.chain.way]
    first = [store.members[0].source] if store.members and not any(len(each.chain.way) > 1 for each in found) else []
    return [*way, *first, *mode, *([last.source] if last else [])]


RULES = (certificate_authority_trusted,)
