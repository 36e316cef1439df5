"""The limits a report was judged by, with who states them, and those that `case.toml` puts in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from expdiag import knowledge
from expdiag.case import Case
from expdiag.model.network.latency import Limit, limit_for
from expdiag.model.versions import row_for


class Used(NamedTuple):
    """A limit: what it limits, the value, the peers or releases it holds for, and who states it."""

    what: str
    value: str
    holds_for: str
    cite: str
    is_stated: bool = False


def used(case: Case) -> tuple[Used, ...]:
    """Return the limits that apply to the releases of a case."""
    return (*_delays(case), *_certificates(case), *_anywhere())


def _delays(case: Case) -> Iterator[Used]:
    releases: dict[Limit, dict[str, None]] = {}
    for peer in case.cluster.peers:
        limit = limit_for([peer.version.value], case.cluster.facts.limits)
        releases.setdefault(limit, {})[str(peer.version.value or "release not known")] = None
    for limit, names in releases.items():
        unclear = f", up to {limit.beyond:g} ms unclear" if limit.beyond > limit.upto else ""
        where = ", ".join(sorted(names))
        yield Used("round trip between peers", f"{limit.upto:g} ms{unclear}", where, limit.cite, limit.is_stated)
        yield Used("one way between peers", f"{limit.one_way:g} ms", where, limit.cite, limit.is_stated)


def _certificates(case: Case) -> Iterator[Used]:
    releases: dict[tuple[bool, str], dict[str, None]] = {}
    for peer in case.cluster.peers:
        if peer.version.value:
            purpose = row_for(knowledge.load("limits")["client_purpose"], peer.version.value)
            releases.setdefault((purpose["needed"], purpose["cite"]), {})[str(peer.version.value)] = None
    for (needed, cite), names in releases.items():
        value = "needed" if needed else "not needed"
        yield Used("clientAuth in the certificate of a peer", value, ", ".join(sorted(names)), cite)


def _anywhere() -> Iterator[Used]:
    limits = knowledge.load("limits")
    reliable, clock = limits["reliability"], limits["clock"]
    share = f"more than {reliable['certain']:.0%}; more than {reliable['doubtful']:.0%} is doubtful"
    yield Used("lost packets while the cluster changes", share, "every release", reliable["cite"])
    offset = f"{clock['offset_certain_ms'] / 1000:g} s; more than {clock['offset_doubtful_ms']:g} ms is doubtful"
    yield Used("a clock off its server", offset, "every release", clock["cite"])
    least = limits["probes"]["least_answered"]
    yield Used(
        "answers a round trip needs to count", f"at least {least}", "every release", "expdiag; no guide states one"
    )
