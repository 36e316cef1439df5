"""Option keys: what they open has to be the same on all peers, but for licences that may differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.model.products.options import Option, Options, compares_as, is_smart_only, still_needed
from expdiag.model.versions import change
from expdiag.rules import want
from expdiag.rules.agreement import names, who
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

CHANGED_ALARMS = (25006, 30025)
PRODUCTS = "Administrator Guide X15.0, Reference Material, Product identifiers,"


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of option that is not the same on all peers.

    Attributes:
        having: the option by peer, of those that have it.
        lacking: peers without it.
        compares: what the sources say of such a difference, see `compares_as`.
    """

    letter: str
    having: Mapping[str, Option]
    lacking: tuple[str, ...]
    compares: str

    def __str__(self) -> str:
        name = next(iter(self.having.values())).name
        codes: dict[str, list[str]] = {}
        for peer, option in self.having.items():
            codes.setdefault(option.code, []).append(peer)
        told = [f"{code} on {', '.join(on)}" for code, on in codes.items()]
        return f"{name}: {', '.join(told)}" + (f", none on {', '.join(self.lacking)}" if self.lacking else "")


@dataclass(frozen=True, slots=True)
class Keys:
    """The option keys of a cluster, compared.

    Attributes:
        keyed: peers that may be licensed by option keys.
        smart: peers that are licensed by smart licensing.
        mixed: peers that are evidently licensed by option keys while others are by smart licensing.
        silent: peers of `keyed` whose keys, or licensing, are not in the evidence.
    """

    keyed: tuple[Peer, ...]
    smart: tuple[Peer, ...]
    mixed: tuple[Peer, ...]
    silent: tuple[Peer, ...]
    differences: tuple[Difference, ...]
    strange: tuple[str, ...]
    evidence: tuple[int, ...]

    def that(self, *compare: str) -> list[Difference]:
        """Return the differences of which the sources say one of some things."""
        return [found for found in self.differences if found.compares in compare]


def _keys(cluster: Cluster) -> Keys:
    smart = tuple(p for p in cluster.peers if p.smart_licensing.value or _knows_smart_only(p))
    keyed = tuple(peer for peer in cluster.peers if peer not in smart)
    chosen = [peer for peer in smart if not _knows_smart_only(peer)]
    # Keys prove nothing where a peer lists them beside smart licensing
    keys_tell = not any(peer.options.value and peer.options.value.by_letter for peer in chosen)
    mixed = tuple(p for p in keyed if chosen and (p.smart_licensing.value is False or (keys_tell and _has_keys(p))))
    listed = {p.name: (p, p.options.value) for p in keyed if p.options.value is not None}
    alarms = tuple(a.source for p in cluster.peers for number in CHANGED_ALARMS for a in p.raised(number))
    return Keys(
        keyed=keyed,
        smart=smart,
        mixed=mixed,
        silent=tuple(peer for peer in keyed if not peer.options.known or (chosen and peer not in mixed)),
        differences=tuple(_differences(listed)),
        strange=_strange({name: options for name, (_, options) in listed.items()}),
        evidence=(
            *(source for peer in keyed for source in peer.options.sources),
            *(source for peer in smart for source in (peer.smart_licensing.sources or peer.version.sources)),
            *alarms,
        ),
    )


def _knows_smart_only(peer: Peer) -> bool:
    return peer.version.value is not None and is_smart_only(peer.version.value)


def _has_keys(peer: Peer) -> bool:
    return bool(peer.options.value and peer.options.value.by_letter)


def _differences(listed: Mapping[str, tuple[Peer, Options]]) -> Iterable[Difference]:
    letters = sorted({letter for _, options in listed.values() for letter in options.by_letter})
    for letter in letters:
        having = {name: o.by_letter[letter] for name, (_, o) in listed.items() if letter in o.by_letter}
        lacking = tuple(name for name in listed if name not in having)
        if not lacking and len({option.count for option in having.values()}) == 1:
            continue
        where = lacking or tuple(having)  # a key that is missing counts by the release of the peer without it
        said = {compares_as(letter, listed[name][0].version.value) for name in where}
        compares = next((word for word in ("same", "strange", "unclear", "default or same") if word in said), "")
        compares = compares or min(said)
        if compares in ("same", "default or same") and not lacking:
            compares = "unclear"  # of licences such as TURN relays, only how many
        yield Difference(letter, having, lacking, compares)


def _strange(listed: Mapping[str, Options]) -> tuple[str, ...]:
    """Return keys nobody understands that not every peer has: whole keys differ anyway, so only how many counts."""
    counts = {len(options.strange) for options in listed.values()}
    return tuple(sorted({key for o in listed.values() for key in o.strange})) if len(counts) > 1 else ()


@rule("R24", compares=True)
def option_keys_match(cluster: Cluster) -> Verdict:
    """All peers have option keys for the same features.

    Why: a call or a registration may end on any peer, and each has to be able to do the same.
    Passes: the keys open the same on all peers, but for licences that may differ (R25) and, from X12.5.4, for what is
    on without a key. Keys are made for one serial number, so what they open is compared, never the keys.
    Violates: a key whose feature is not on without it is missing on a peer; or some peers are licensed by smart
    licensing and others by option keys.
    Unknown: the keys of a peer are not in the evidence; or a difference is in something the sources name neither as
    exempt nor as not: the number of TURN relays before X12.5.4, VCS registrations, keys that are in no list. Of
    Traversal Server and Expressway Series one source says that they are on without a key from X12.5.4, another that
    their keys count until X12.6: between the two a difference passes and is told.
    Not applicable: from X14.2, or with smart licensing, there are no option keys; a cluster of one.
    """
    keys = cluster.view(_keys)
    if keys.mixed:
        return _mixed_licensing(keys)
    missing = keys.that("same")
    if missing:
        return _missing_keys(cluster, keys, missing)
    return (
        _without_keys(keys)
        or _open(keys, "strange", "unclear", "default or same")
        or passed(
            f"the option keys of {names(keys.keyed)} open the same{_noted(cluster, keys)}", evidence=keys.evidence
        )
    )


def _without_keys(keys: Keys) -> Verdict | None:
    """Return what is said where there is nothing to compare, None where there is."""
    versions = {str(peer.version.value) for peer in keys.smart if _knows_smart_only(peer)}
    if not keys.keyed:
        why = f"{', '.join(sorted(versions))} knows smart licensing only" if versions else "smart licensing is on"
        return not_applicable(f"there are no option keys: {why}", evidence=keys.evidence)
    if keys.silent:
        return None
    if len(keys.keyed) == 1 and keys.smart:
        return not_applicable(
            f"only {keys.keyed[0]} still uses option keys; the others run a release that knows smart licensing only, "
            "see R02",
            evidence=keys.evidence,
        )
    return None


def _open(keys: Keys, *compares: str) -> Verdict | None:
    """Return an unknown where keys are not shown, or differ in a way the sources leave open; None elsewhere."""
    if keys.silent:
        return unknown(
            f"the option keys of {names(keys.silent)} are not in the evidence"
            if any(not peer.options.known for peer in keys.silent)
            else f"nothing shows whether {names(keys.silent)} is licensed by its option keys or by smart licensing",
            want=[_asked(peer, keys) for peer in keys.silent],
            evidence=keys.evidence,
        )
    unclear = keys.that(*compares)
    if not unclear and not keys.strange:
        return None
    wants: list[Want] = []
    if any(found.compares == "default or same" for found in unclear):
        wants += [want.export(peer, "version") for peer in keys.keyed if not peer.version.known]
    if keys.strange or any(found.compares != "default or same" for found in unclear):
        wants.append(want.support("whether these option keys may differ between peers"))
    told = [*map(str, unclear), *keys.strange]
    return unknown(
        f"the option keys differ, and the guide names these neither as exempt nor as not: {'; '.join(told)}",
        want=wants,
        evidence=keys.evidence,
    )


def _asked(peer: Peer, keys: Keys) -> Want:
    return want.licensing(peer) if peer.options.known and keys.smart else want.export(peer, "option_key")


def _mixed_licensing(keys: Keys) -> Verdict:
    smart = tuple(peer for peer in keys.smart if peer.smart_licensing.value)
    return violation(
        f"{names(smart)} is licensed by smart licensing, {names(keys.mixed)} by option keys",
        evidence=keys.evidence,
        at_fault=[peer.name for peer in keys.mixed],
        measured=f"smart licensing on {names(smart)}, option keys on {names(keys.mixed)}",
        wanted="one way of licensing",
        fix=steps(
            f"decide for smart licensing on all peers, if no key for {', '.join('JCH')} (advanced account security, "
            "Microsoft interoperability, HSM) is needed: it does not work with them, and cannot be undone without a "
            "factory reset",
            *(f"on {peer}: turn it on in Maintenance > Smart licensing and register it" for peer in keys.mixed),
        ),
        cite=change("smart-licensing-only").cite,
    )


def _missing_keys(cluster: Cluster, keys: Keys, missing: list[Difference]) -> Verdict:
    letters = {found.letter for found in missing}
    own = {
        peer.name: frozenset(letters.intersection(peer.options.value.by_letter))
        for peer in keys.keyed
        if peer.options.value is not None
    }
    odd = cluster.odd_ones_out(own)
    listing = "; ".join(map(str, missing))
    lacking = [(name, found) for found in missing for name in found.lacking]
    serials = {peer.name: peer.serial.value for peer in keys.keyed}
    too_many = odd if not {name for name, _ in lacking} & set(odd) else ()
    return violation(
        f"the option keys do not open the same on all peers: {listing}{_noted(cluster, keys)}",
        evidence=keys.evidence,
        at_fault=odd,
        log_in=sorted({name for name, _ in lacking}),
        measured=listing,
        wanted="the same on all peers",
        fix=steps(
            *([_taking_off(too_many)] if too_many else []),
            *(
                f"on {name}: add a key for {found} of its own in Maintenance > Option keys"
                + (f" (order it for serial number {serials[name]})" if serials.get(name) else "")
                for name, found in ((name, next(iter(d.having.values()))) for name, d in lacking)
            ),
            f"restart {who({name for name, _ in lacking})}, one after the other",
            *([] if too_many else [_taking_off()]),
        ),
    )


def _taking_off(too_many: Sequence[str] = ()) -> str:
    if not too_many:
        return "where the feature is not used: take the key off the peers that have it instead"
    owners = who(too_many)
    page = "Maintenance > Option keys"
    return f"on {owners}: where the feature is not used, take the key off ({page}), restart {owners} and end here"


def _noted(cluster: Cluster, keys: Keys) -> str:
    """Return what else is to say of the keys, for the end of a reason."""
    notes = []
    needless = keys.that("default")
    if needless:
        notes.append(
            f"without a meaning, because from {change('features-without-keys').since} this is on without a key: "
            f"{'; '.join(map(str, needless))}"
        )
    releases = [peer.version.value for peer in keys.keyed if peer.version.value]
    if any(still_needed(found.letter, of) for found in needless for of in releases):
        notes.append(
            f"{PRODUCTS} says so of the type and series keys from {change('type-is-a-setting').since} only, "
            f"{change('features-without-keys').cite} from {change('features-without-keys').since}"
        )
    exempt = keys.that("exempt")
    if exempt:
        notes.append(f"licences that may differ, see R25: {'; '.join(map(str, exempt))}")
    if any(peer.options.value and "H" in peer.options.value.by_letter for peer in keys.keyed):
        notes.append("HSM needs its provider package on every peer, too, which no export shows")
    restart = [p.name for p in cluster.peers if any(p.raised(number) for number in CHANGED_ALARMS)]
    if restart:
        notes.append(f"{', '.join(restart)} has to be restarted for a change of keys (alarm 25006 or 30025)")
    return "".join(f"; {note}" for note in notes)


@rule("R25", compares=True)
def option_key_exemptions(cluster: Cluster) -> Verdict:
    """Option keys that differ are those of licences that may: rich media, room, desktop, and calls of a VCS.

    Why: licences of these kinds are pooled by the cluster, so it does not matter which peer holds them.
    Passes: no licence differs, or only such that may. That a feature's key is missing is R24's to say.
    Violates: never by itself: what may not differ breaks R24.
    Unknown: the keys of a peer are not in the evidence; or the sources do not tell whether a licence may differ: VCS
    registrations, the number of TURN relays before X12.5.4.
    Not applicable: from X14.2, or with smart licensing, there are no option keys; a cluster of one.
    """
    keys = cluster.view(_keys)
    if keys.mixed:
        return not_applicable("not all peers use option keys, see R24", evidence=keys.evidence)
    settled = _without_keys(keys) or _open(keys, "strange", "unclear")
    if settled:
        return settled
    exempt = keys.that("exempt")
    reason = f"these differ, and may: {'; '.join(map(str, exempt))}" if exempt else "no licence that may differ does"
    others = keys.that("same")
    return passed(
        f"{reason}{'; others differ that may not, see R24' if others else ''}",
        evidence=keys.evidence,
    )


RULES = (option_keys_match, option_key_exemptions)
