"""Whether each peer's own certificate is valid for peers that verify each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from expdiag.findings import Verdict, Want
from expdiag.model.certificates import called, clocks, presented, verification
from expdiag.model.certificates import certificate as certificates
from expdiag.model.certificates.presented import CLIENT, NEW_CERTIFICATE_ALARM, Presented
from expdiag.model.certificates.verification import PERMISSIVE, Mode
from expdiag.model.cluster import Cluster
from expdiag.model.names import address
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.basic.certificates import (
    EXPIRED_ALARM,
    EXPIRING_ALARM,
    SERVER_PAGE,
    new_certificate,
    shown_names,
    up,
    which,
)
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.tables import Alarm

REFUSED_ITSELF = ("certificate_expired", "certificate_revoked", "unsupported_certificate")
_CITE = "Cluster Creation and Maintenance Deployment Guide X14.0, Use FQDNs to Form a Cluster"


@dataclass(frozen=True, slots=True)
class Problem:
    """What makes peers that verify refuse a certificate.

    Attributes:
        fix: the steps against it, in their order.
        at_fault: peers on which something has to change.
        evidence: further sources.
        measured: what was found, where it is compared with something.
        wanted: what it was held against.
    """

    text: str
    fix: tuple[str, ...]
    at_fault: tuple[str, ...]
    evidence: tuple[int, ...] = ()
    measured: str | None = None
    wanted: str | None = None


@rule("R19")
def certificate_valid(cluster: Cluster, peer: Peer) -> Verdict:
    """Where peers verify each other (TLS verification mode Enforce), the certificate passes their checks.

    Why: with Enforce a certificate that fails breaks replication with this peer.
    Passes: within its dates at the time of the case, names what the peer lists call the peer, no wildcard in
    place of it, its key may sign, and it serves the purposes the release asks for (clientAuth up to X15.3); where the
    address mapping knows that name, it leads to the peer. From X15.5 on the client certificate is held to the same.
    Whether the others trust its issuer is R20. Revocation is in no export and is not judged.
    Violates: one of these fails, alarm 40068 is up, another peer refused it with an alert that is about the
    certificate itself, or alarm 20020 says that another mode is active than is configured. A peer list of addresses
    cannot be verified by name and fails too, unless the certificate lists the address.
    Unknown: the mode, a certificate, the peer lists or the time of the case is not in the evidence, the evidence for
    the mode contradicts itself, or alarm 15028 says that the certificate is not yet in use.
    Not applicable: Permissive; the reason then says whether Enforce would work.
    """
    mode = verification.demanded_of(cluster, peer)
    found = problems(cluster, peer)
    shown = presented.of_peer(cluster, peer)
    evidence = [
        *(each.certificate.source for each in shown),
        *mode.sources,
        *(source for problem in found for source in problem.evidence),
    ]
    listed = "; ".join(problem.text for problem in found)
    if mode.restart is not None and not _is_being_enforced(cluster):
        return violation(
            f"alarm {verification.RESTART_ALARM} is up: another TLS verification mode is active on {peer} than is "
            f"configured{weighed(mode)}"
            + (f". With Enforce its certificate would be refused: {listed}" if found else ""),
            evidence=evidence,
            at_fault=[peer.name],
            measured="restart required",
            fix=f"restart {peer} (Maintenance > Restart options), the primary before the others and one peer at a "
            "time, each when replication with the one before is Active again",
        )
    if mode.value is None:
        why = "the evidence for the TLS verification mode contradicts itself" + weighed(mode)
        if not mode.contradicts_itself:
            why = "the TLS verification mode is not in the evidence"
        return unknown(
            why + (f"; with Enforce it would be refused: {listed}" if found else ""),
            want=[want.tls_mode(), *_wanted(cluster, peer, shown)],
            evidence=evidence,
        )
    if mode.value == PERMISSIVE:
        return not_applicable(
            f"TLS verification mode is Permissive{weighed(mode)}; {_readiness(found, shown)}", evidence=evidence
        )
    if found:
        return violation(
            f"with Enforce the other peers refuse this certificate at the next connection: {listed}{weighed(mode)}",
            evidence=evidence,
            at_fault={name for problem in found for name in problem.at_fault},
            measured="; ".join(problem.measured for problem in found if problem.measured) or None,
            wanted="; ".join(problem.wanted for problem in found if problem.wanted) or None,
            fix=_fix(cluster, peer, found),
            cite=_CITE,
        )
    if wanted := _wanted(cluster, peer, shown):
        return unknown("; ".join(wanted.values()), want=wanted, evidence=evidence)
    own = shown[0].certificate
    return passed(
        f"valid from {own.not_before:%Y-%m-%d} to {own.not_after:%Y-%m-%d}, judged on "
        f"{cluster.as_of:%Y-%m-%d}; names and purposes fit; whether the others trust its issuer is R20"
        f"{_notes(cluster, peer, shown)}{weighed(mode)}",
        evidence=evidence,
    )


def _is_being_enforced(cluster: Cluster) -> bool:
    """Whether the case says that the mode is being changed just now, so that restarts are still to come."""
    change, now = cluster.facts.change, cluster.as_of
    if change is None or change.kind != "enforcing-tls" or now is None:
        return False
    return not ((change.start and now < change.start) or (change.end and now > change.end))


def problems(cluster: Cluster, peer: Peer) -> list[Problem]:
    """Return what is wrong with the certificates of a peer, as far as the evidence tells."""
    found: list[Problem] = []
    shown = presented.in_use(cluster, peer)
    for each in shown:
        found += _of_certificate(cluster, peer, each)
    for entry, sources in called.entries_that_count(cluster, peer):
        found += _of_entry(cluster, peer, shown, entry, sources)
    found += _of_alarm(cluster, peer, shown)
    found += _refused(cluster, peer, found)
    return found


def _of_certificate(cluster: Cluster, peer: Peer, shown: Presented) -> Iterator[Problem]:
    """Yield what is wrong with a certificate itself."""
    own = shown.certificate
    it, renew = _called(shown), _renewal(cluster, peer, shown)
    seen = (shown.seen.source,) if shown.seen else ()

    def problem(text: str, measured: str | None = None, wanted: str | None = None) -> Problem:
        return Problem(text, renew, (peer.name,), seen, measured, wanted)

    if not own.not_before or not own.not_after:
        yield problem(f"the time of validity of {which(shown)} cannot be decoded")
    elif cluster.as_of and own.not_after < cluster.as_of:
        shown_as = "%Y-%m-%d %H:%M" if own.not_after.date() == cluster.as_of.date() else "%Y-%m-%d"
        end, now = own.not_after.strftime(shown_as), cluster.as_of.strftime(shown_as)
        yield problem(f"{it} expired on {end}, and the case is of {now}", f"valid to {end}", f"valid on {now}")
    elif cluster.as_of and own.not_before > cluster.as_of:
        start, now = f"{own.not_before:%Y-%m-%d}", f"{cluster.as_of:%Y-%m-%d}"
        yield problem(f"{it} is only valid from {start} on", f"valid from {start}", f"valid on {now}")
    elif clock := clocks.out_of(cluster, peer, own):
        yield Problem(
            f"the clock of {peer} shows {clock.time:%Y-%m-%d %H:%M} UTC, for which {it} is not valid, see E07",
            (f"correct the time of {peer} (System > Time; its NTP servers must answer), then restart it",),
            (peer.name,),
            (clock.source,),
        )
    if not certificates.may_sign(own):
        yield problem(f"the key usage of {which(shown)} leaves out digital signatures, which every handshake needs")
    missing = certificates.missing_purposes(own, shown.roles, peer.version.value)
    if missing:
        needs = peer.version.value or "this release"
        has, needed = ", ".join(own.purposes or ()), " and ".join(missing)
        yield problem(
            f"{it} lacks the purpose {needed}, which {needs} needs", f"for {has or 'nothing'}", f"for {needed}"
        )


def _called(shown: Presented) -> str:
    """Return what to call a certificate in a list of problems."""
    if shown.seen:
        return f"{which(shown)}, another one than the one in its export,"
    return "its client certificate" if shown.roles == (CLIENT,) else "it"


def _of_entry(
    cluster: Cluster, peer: Peer, shown: Sequence[Presented], entry: str, sources: tuple[int, ...]
) -> Iterator[Problem]:
    """Yield what keeps the certificates from fitting what the peer lists call the peer."""
    if mapped := called.mapped_elsewhere(cluster, peer, entry):
        primary = cluster.primary or peer
        yield Problem(
            f"the address mapping leads {entry} to {mapped}, which is not this peer's address",
            (
                f"on {primary}: in the cluster address mapping (System > Clustering), let {entry} lead to "
                f"{peer.addresses[0]}",
            ),
            (primary.name,),
            sources,
        )
        return
    for each in shown:
        own = each.certificate
        if address(entry):
            if not certificates.has_address(own, entry):
                yield Problem(
                    f"the peer lists call this peer {entry}, an address no name check of {which(each)} can match",
                    (
                        f"let the peer lists call {peer} by its full name: on every peer, one entry at a time, replace "
                        f"{entry} by {peer.fqdn.value or 'the FQDN'} (System > Clustering), restart {peer}, and wait "
                        "until its alarms are gone before the next entry. Where that name leads to another address, "
                        "enter the cluster address mapping on the primary before",
                    ),
                    called.listing(cluster, entry),
                    sources,
                    entry,
                    "a name of the certificate",
                )
        elif not certificates.identifies(own, entry):
            only = "only a wildcard for" if certificates.has_wildcard_for(own, entry) else "no name"
            yield Problem(
                f"{_called(each)} has {only} {entry}, which the peer lists call this peer",
                _renewal(cluster, peer, each),
                (peer.name,),
                sources,
                shown_names(own),
                entry,
            )


def _of_alarm(cluster: Cluster, peer: Peer, shown: Sequence[Presented]) -> Iterator[Problem]:
    """Yield that the peer itself says that its certificate has expired, where the evidence does not show it."""
    alarm = up(peer, EXPIRED_ALARM)
    if alarm is None or not _says_expired(alarm):
        return
    ends = [each.certificate.not_after for each in shown if each.certificate.not_after]
    if cluster.as_of and any(end < cluster.as_of for end in ends):
        return
    other = f", though the one in the case is valid to {min(ends):%Y-%m-%d}" if ends else ""
    renew = f"upload a certificate that is valid on {peer} ({SERVER_PAGE})"
    yield Problem(
        f"alarm {EXPIRED_ALARM} says that the server certificate has expired{other}",
        (f"{renew} and restart {peer}",),
        (peer.name,),
        (alarm.source,),
    )


def _says_expired(alarm: Alarm) -> bool:
    """Whether an alarm says more than that a certificate expires today, which is still valid."""
    words = f"{alarm.title} {alarm.detail}".lower()
    return "expired" in words or "expires today" not in words


def _refused(cluster: Cluster, peer: Peer, found: Sequence[Problem]) -> Iterator[Problem]:
    """Yield that others refused the certificate for what it is, where nothing found so far explains it."""
    for other in cluster.peers:
        last = presented.last_word(cluster, peer, other) if other is not peer else None
        if last is None or last.refusal not in REFUSED_ITSELF:
            continue
        refused = f"{other} refused it with the alert {last.refusal}"
        if found:
            yield Problem(refused, (), (peer.name,), (last.source,))
            continue
        yield Problem(
            f"{refused}, though the one in the case shows no reason; another may be in use, or the clock of {other} "
            "wrong",
            (
                f"compare the certificate {peer} presents with the one on its page ({SERVER_PAGE}), and the time of "
                f"{other} (System > Time); then restart {peer}",
            ),
            (peer.name,),
            (last.source,),
        )


def _renewal(cluster: Cluster, peer: Peer, shown: Presented) -> tuple[str, ...]:
    needed = list(called.names_of(cluster, peer))[:1]
    counting = [entry for entry, _ in called.entries_that_count(cluster, peer) if not address(entry)]
    return (
        f"until {peer} has a certificate that fits, TLS verification mode Permissive lets it replicate (System > "
        "Clustering, on the primary, then on every peer that still shows Enforce; restart the primary first)",
        new_certificate(peer, shown, *needed, *counting),
        "return to Enforce when all certificates fit, on the primary first, with a restart of the primary and then of "
        "the others, one at a time",
    )


def _fix(cluster: Cluster, peer: Peer, found: Sequence[Problem]) -> str:
    """Return the steps against all problems, each once."""
    texts = list(dict.fromkeys(step for problem in found for step in problem.fix))
    last = [text for text in texts if text.startswith("return to Enforce")]
    return steps(*(text for text in texts if text not in last), *last)


def _readiness(found: Sequence[Problem], shown: Sequence[Presented]) -> str:
    """Say whether Enforce would work."""
    if found:
        return f"it is not ready for Enforce: {'; '.join(problem.text for problem in found)}"
    if not shown:
        return "whether it is ready for Enforce cannot be said without its certificate"
    return "it is ready for Enforce"


def weighed(mode: Mode) -> str:
    """Say what the evidence for the mode says against itself, or that it was overtaken."""
    if mode.contradicts_itself:
        return ": " + "; ".join(map(str, mode.said))
    if mode.against:
        return f" (mode: {'; '.join(map(str, mode.said))}; against it, {'; '.join(map(str, mode.against))})"
    return ""


def _wanted(cluster: Cluster, peer: Peer, shown: Sequence[Presented]) -> dict[Want, str]:
    """Return what is missing to call a certificate valid, and why it is."""
    wanted: dict[Want, str] = {}
    if not shown:
        wanted[want.certificate(peer)] = "no server certificate of this peer is in the case"
    if presented.lacks_client_certificate(cluster, peer):
        wanted[want.client_certificate(peer)] = "its client certificate is not in the case, those of others are"
    if cluster.as_of is None:
        wanted[want.as_of()] = "nothing in the evidence tells the time, so the dates cannot be judged"
    if shown and not called.entries(cluster, peer):
        if not called.lists_are_known(cluster):
            first = cluster.primary or peer
            wanted[want.export(first, "peer_address")] = "no peer list shows what the others call this peer"
        elif unclear := called.unclear_entries(cluster):
            text = f"which of the peers {' and '.join(unclear)} in the peer lists means is not in the evidence"
            for entry in unclear:
                wanted[want.lookup(cluster.primary or peer, entry)] = text
    seen = presented.newest_seen(cluster, peer)
    if up(peer, NEW_CERTIFICATE_ALARM) and seen is None and shown:
        caller = next((other for other in cluster.peers if other is not peer), peer)
        wanted[want.handshake(caller, peer)] = (
            f"alarm {NEW_CERTIFICATE_ALARM} is up: until {peer} restarts it presents another certificate than the one "
            "in the case"
        )
    return wanted


def _notes(cluster: Cluster, peer: Peer, shown: Sequence[Presented]) -> str:
    """Say what does not make a certificate invalid, but should be known."""
    said = []
    if _is_being_enforced(cluster) and up(peer, verification.RESTART_ALARM):
        said.append(
            f"alarm {verification.RESTART_ALARM} is up, as expected while the mode is being changed; restart {peer}"
        )
    for each in shown:
        own = each.certificate
        if each.sent and own.issued_by is None and not own.self_signed and any(c.role == "chain" for c in each.sent):
            said.append(f"the certificates beside {_called(each)} in its file did not sign it")
    if any(each.certificate.wildcard for each in shown):
        said.append("it has a wildcard, too, which the Certificate Creation and Use guide does not support")
    if presented.has_two_stores(peer) and not presented.client_certificate(peer):
        said.append(
            "its client certificate is not in the case; the upgrade to X15.5 made it a copy of the server certificate"
        )
    if alarm := up(peer, EXPIRING_ALARM) or up(peer, EXPIRED_ALARM):
        said.append(f"alarm {alarm.number} says that it expires soon")
    if presented.another_seen(cluster, peer):
        said.append(
            "the certificate it presented is another one, which fits too; the one in its export takes effect after a "
            "restart, or is the older one"
        )
    elif up(peer, NEW_CERTIFICATE_ALARM):
        said.append(f"alarm {NEW_CERTIFICATE_ALARM} is up, but the certificate it presents is this one")
    for entry, _ in called.entries_that_count(cluster, peer):
        for asking, (found, _) in called.looked_up_elsewhere(cluster, peer, entry).items():
            said.append(f"on {asking} DNS leads {entry} to {found}, which is not this peer's address, see R32")
    return "".join(f"; note: {text}" for text in said)


RULES = (certificate_valid,)
