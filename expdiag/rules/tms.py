"""Cisco TMS: its version, and how it replicates provisioning and FindMe data."""

from __future__ import annotations

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.products import tms
from expdiag.model.products.tms import Tms
from expdiag.rules import want
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

WITH_PROVISIONING, WITHOUT_PROVISIONING = "13.2", "12.6"
_UPGRADE = "upgrade Cisco TMS to {wanted} or later before it manages the cluster"


def _is_used() -> Want:
    return want.fact("note in case.toml whether Cisco TMS manages the cluster: [tms] used = true or false")


def _version() -> Want:
    return want.tms("version", '"15.13"', "the version that Administrative Tools shows")


def _provisions() -> Want:
    return want.tms(
        "provisioning", "true or false", "whether it replicates provisioning or FindMe data to the Expressways"
    )


def _noted(found: Tms) -> str:
    return "".join(f"; {note}" for note in found.notes)


def _evidence(found: Tms) -> tuple[int, ...]:
    return (*found.used.sources, *found.address.sources, *found.provisions.sources, *found.version.sources)


def _unused(found: Tms) -> Verdict | None:
    """Return what is said where TMS is not used, or nothing tells; None where it is used."""
    if found.used.value is None:
        return unknown("nothing shows whether Cisco TMS manages the cluster", want=[_is_used()])
    if not found.used.value:
        why = "case.toml says so" if found.stated else "no peer has the address of an external manager"
        return not_applicable(f"Cisco TMS is not used: {why}{_noted(found)}", evidence=_evidence(found))
    return None


def _against(found: Tms, wanted: str) -> Verdict:
    """Hold the version of TMS against the one wanted, number by number."""
    evidence = _evidence(found)
    shown = found.version.value
    measured = tms.version(shown) if shown else None
    if shown is None or measured is None:
        said = (
            f"the version of Cisco TMS ({shown!r}) is no version" if shown else "the version of Cisco TMS is not shown"
        )
        return unknown(f"{said}; no export of a peer holds it{_noted(found)}", want=[_version()], evidence=evidence)
    compared = {"measured": shown, "wanted": f"{wanted} or later"}
    if measured < (tms.version(wanted) or ()):
        return violation(
            f"Cisco TMS is version {shown}, and has to be {wanted} or later{_noted(found)}",
            evidence=evidence,
            fix=_UPGRADE.format(wanted=wanted),
            **compared,
        )
    return passed(f"Cisco TMS is version {shown}{_noted(found)}", evidence=evidence, **compared)


@rule("R45")
def tms_version(cluster: Cluster) -> Verdict:
    """Cisco TMS that provisions the cluster is version 13.2 or later.

    Why: older versions cannot hand provisioning and FindMe data to a cluster.
    Passes: the version in `case.toml` is 13.2 or later, compared number by number.
    Violates: it is older, and TMS provisions: `case.toml` says so, or the provisioning services of a peer are on.
    Unknown: whether TMS is used, its version, or whether it provisions where that decides, is not in the evidence.
    Not applicable: no TMS; or it does not provision, for which R46 wants less.
    """
    found = cluster.view(tms.of_cluster)
    settled = _unused(found)
    if settled:
        return settled
    if found.provisions.value is False:
        return not_applicable(
            f"Cisco TMS replicates neither provisioning nor FindMe data, so {WITHOUT_PROVISIONING} is enough, see R46"
            f"{_noted(found)}",
            evidence=_evidence(found),
        )
    verdict = _against(found, WITH_PROVISIONING)
    if found.provisions.value is None and verdict.outcome != "pass":
        wants = [*verdict.want, _provisions()]
        return unknown(
            f"whether Cisco TMS replicates provisioning or FindMe data is not in the evidence; {verdict.reason}"
            if found.version.known
            else f"nothing shows the version of Cisco TMS and whether it provisions{_noted(found)}",
            want=wants,
            evidence=_evidence(found),
        )
    return verdict


@rule("R46")
def tms_version_without_provisioning(cluster: Cluster) -> Verdict:
    """Cisco TMS that does not provision the cluster is version 12.6 or later.

    Why: older versions do not know how to manage a cluster.
    Passes: the version in `case.toml` is 12.6 or later, compared number by number.
    Violates: it is older.
    Unknown: whether TMS is used, or its version, is not in the evidence.
    Not applicable: no TMS; or it replicates provisioning or FindMe data, for which R45 wants more.
    """
    found = cluster.view(tms.of_cluster)
    settled = _unused(found)
    if settled:
        return settled
    if found.provisions.value:
        return not_applicable(
            f"Cisco TMS replicates provisioning or FindMe data, so {WITH_PROVISIONING} is needed, see "
            f"R45{_noted(found)}",
            evidence=_evidence(found),
        )
    return _against(found, WITHOUT_PROVISIONING)


@rule("R47")
def tms_provisioning_extension_mode(cluster: Cluster) -> Verdict:
    """Cisco TMS that provisions the cluster does so in Provisioning Extension mode.

    Why: only the Provisioning Extension replicates to clusters of these releases.
    Passes: `case.toml` says that the mode is on.
    Violates: TMS provisions, and `case.toml` says that the mode is not on, or a peer has alarm 35009, 35010 or 35011
    up, which tell that the extension fails. Alarm 40027 tells that it is not secured: it is named, no verdict.
    Unknown: whether TMS is used, provisions, or has the mode, is not in the evidence.
    Not applicable: no TMS, or it does not provision. Provisioning and FindMe by TMS are deprecated from X14.
    """
    found = cluster.view(tms.of_cluster)
    settled = _unused(found)
    if settled:
        return settled
    if found.provisions.value is False:
        return not_applicable(
            f"Cisco TMS replicates neither provisioning nor FindMe data{_noted(found)}", evidence=_evidence(found)
        )
    mode = cluster.facts.tms.provisioning_extension_mode
    source = cluster.facts.sources.get("tms.provisioning_extension_mode")
    alarms = tms.extension_alarms(cluster)
    evidence = [*alarms.values(), *([] if source is None else [source]), *_evidence(found)]
    failed = sorted({peer for peer, number in alarms if number in tms.FAILED_ALARMS})
    told = ", ".join(f"{number} on {peer}" for peer, number in alarms)
    noted = (f"; alarms of it: {told}" if alarms else "") + _noted(found)
    if failed or (mode is False and found.provisions.value):
        stated = "" if mode is None else f", though case.toml says that the mode is {'on' if mode else 'off'}"
        return violation(
            f"the Provisioning Extension of Cisco TMS fails{stated if mode else ''}{noted}"
            if failed
            else f"Cisco TMS provisions the cluster without Provisioning Extension mode{noted}",
            evidence=evidence,
            log_in=failed,
            measured=told or "another provisioning mode",
            wanted="Provisioning Extension",
            fix=_turn_on_extension(),
            cite="Cisco TMS Provisioning Extension Deployment Guide",
        )
    if mode is None:
        return unknown(
            f"nothing shows whether Cisco TMS is in Provisioning Extension mode{noted}",
            want=[_mode(), *([] if found.provisions.known else [_provisions()])],
            evidence=evidence,
        )
    if mode:
        return passed(f"Cisco TMS is in Provisioning Extension mode{noted}", evidence=evidence)
    return unknown(
        f"Cisco TMS is not in Provisioning Extension mode; whether it provisions is not in the evidence{noted}",
        want=[_provisions()],
        evidence=evidence,
    )


def _mode() -> Want:
    return want.tms(
        "provisioning_extension_mode",
        "true or false",
        "whether Administrative Tools > Configuration > General Settings, Provisioning Mode, is Provisioning Extension",
    )


def _turn_on_extension() -> str:
    return steps(
        "in Cisco TMS: install the Provisioning Extension, if it is not there yet",
        "in Cisco TMS: set Administrative Tools > Configuration > General Settings, Provisioning Mode, to Provisioning "
        "Extension (the menu is from memory)",
        "on the primary: connect to it in System > TMS Provisioning Extension services",
        "on each peer: check Status > Applications > TMS Provisioning Extension services",
    )


RULES = (tms_version, tms_version_without_provisioning, tms_provisioning_extension_mode)
