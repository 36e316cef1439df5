"""What holds for all rules at once: names, order and amount of the evidence, and what a verdict has to carry."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import expdiag
import expdiag.errors
from expdiag.findings import NOT_APPLICABLE, OUTCOMES, PASS, UNKNOWN, VIOLATION, Findings
from expdiag.knowledge import requirements
from expdiag.rules import engine
from expdiag.scenarios.spec import ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from tests.conftest import CASES

RELEASES = (
    "X8.11.4",
    "X12.5.9",
    "X12.6.4",
    "X14.0.7",
    "X14.2.5",
    "X14.3.4",
    "X15.0.3",
    "X15.2.1",
    "X15.4.0",
    "X15.5.0",
)
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def far(cluster: ClusterSpec) -> ClusterSpec:
    return cluster.with_round_trip("e1", "e3", 96)


def expired(cluster: ClusterSpec) -> ClusterSpec:
    old = replace(cluster.peers[1].certificate, not_after=cluster.as_of - timedelta(days=3))
    return cluster.changed("e2", certificate=old)


def without_h323(cluster: ClusterSpec) -> ClusterSpec:
    return cluster.changed("e2", h323="Off")


def older(cluster: ClusterSpec) -> ClusterSpec:
    return cluster.changed("e3", version="X14.3.3", build="oak_v14.3.3_rc_2")


def at_public_address(cluster: ClusterSpec) -> ClusterSpec:
    listed = cluster.peers[0].peer_list
    return cluster.changed("e2", peer_list=("203.0.113.11", *listed[1:]))


FAULTS = (far, expired, without_h323, older, at_public_address)


def outcomes(findings: Findings) -> dict[tuple[str, frozenset[str] | tuple[str, ...]], str]:
    return {(f.requirement.number, f.subject.peers): f.outcome for f in findings}


def judged(cluster: ClusterSpec, folder: Path) -> Findings:
    write_case(cluster, folder)
    return expdiag.check(expdiag.load(folder))


def test_every_requirement_has_a_rule_and_a_manual() -> None:
    missing = [known.number for known in requirements() if known.number not in engine.RULES]
    assert missing == []
    for number, rule in engine.RULES.items():
        assert rule.requirement.number == number
        for heading in ("Why:", "Passes:", "Violates:", "Unknown:"):
            assert heading in rule.manual, (number, heading)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("type_", ["C", "E"])
def test_a_healthy_cluster_is_healthy_under_every_release(release: str, type_: str, tmp_path: Path) -> None:
    findings = judged(healthy(3, type=type_, version=release), tmp_path)
    broken = [(f.requirement.number, f.subject.peers, f.verdict.reason) for f in findings.of(VIOLATION)]
    assert broken == []
    assert not findings.crashed


@pytest.mark.parametrize("size", range(1, 7))
def test_a_healthy_cluster_is_healthy_in_every_size(size: int, tmp_path: Path) -> None:
    findings = judged(healthy(size), tmp_path)
    assert [(f.requirement.number, f.verdict.reason) for f in findings.of(VIOLATION)] == []
    assert not findings.crashed
    pairs = size * (size - 1) // 2
    subjects = {"cluster": 1, "peer": size, "pair": pairs, "ordered pair": 2 * pairs}
    for known in requirements():
        found = [f for f in findings if f.requirement == known]
        assert len(found) == subjects[known.each], known.number


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault.__name__ if fault else "healthy")
def test_a_verdict_carries_what_it_needs(fault: Callable[[ClusterSpec], ClusterSpec] | None, tmp_path: Path) -> None:
    cluster = healthy() if fault is None else fault(healthy())
    for finding in judged(cluster, tmp_path):
        verdict = finding.verdict
        assert finding.outcome in OUTCOMES
        assert verdict.reason.strip(), finding
        assert not verdict.crashed, verdict.reason
        assert bool(verdict.fix) == (finding.outcome == VIOLATION), (finding.requirement.number, verdict)
        assert bool(verdict.want) == (finding.outcome == UNKNOWN), (finding.requirement.number, verdict)
        if finding.outcome == VIOLATION:
            assert finding.sources, (finding.requirement.number, verdict.reason)
        for source in finding.sources:
            assert source.file
            assert source.line or source.packet or source.text, (finding.requirement.number, source)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found_where_it_was_planted_only(
    fault: Callable[[ClusterSpec], ClusterSpec], tmp_path: Path
) -> None:
    before = outcomes(judged(healthy(), tmp_path / "healthy"))
    after = outcomes(judged(fault(healthy()), tmp_path / "faulty"))
    worse = {key for key, outcome in after.items() if outcome == VIOLATION and before[key] != VIOLATION}
    wanted = {
        "far": {("R07", ("e1", "e3")), ("R08", ("e1", "e3"))},
        "expired": {("R19", ("e2",))},
        "without_h323": {("R26", ("e2",))},
        "older": {("R02", ("e1", "e2", "e3"))},
        "at_public_address": {("R10", ("e2", "e1")), ("E02", ("e1", "e2", "e3"))},
    }[fault.__name__]
    assert wanted <= worse, worse
    also = {"older": {"R03"}, "without_h323": {"E15"}, "at_public_address": {"R19", "R40", "E04", "R41"}}
    assert {number for number, _ in worse - wanted} <= also.get(fault.__name__, set()), worse - wanted


NAMES = st.lists(
    st.from_regex(r"[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,4})?", fullmatch=True), min_size=3, max_size=3, unique=True
)


@SLOW
@given(names=NAMES, faults=st.sets(st.sampled_from(FAULTS), max_size=3))
def test_renaming_peers_only_renames(
    names: list[str], faults: set[Callable[[ClusterSpec], ClusterSpec]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Names in another alphabetical order, too: pairs are sorted by name, so they are compared as sets."""
    cluster = healthy()
    for fault in sorted(faults, key=lambda fault: fault.__name__):
        cluster = fault(cluster)
    folder = tmp_path_factory.mktemp("renamed")
    plain = judged(cluster, folder / "plain")
    new = dict(zip(("e1", "e2", "e3"), names, strict=True))
    write_case(cluster, folder / "as-it-was")
    renamed = judged(_renamed(cluster, new), folder / "renamed")

    def told(findings: Findings, rename: dict[str, str]) -> dict[tuple[str, str, object], str]:
        found = {}
        for f in findings:
            peers = tuple(rename.get(name, name) for name in f.subject.peers)
            found[f.requirement.number, f.subject.kind, peers if "ordered" in f.subject.kind else frozenset(peers)] = (
                f.outcome
            )
        return found

    assert told(plain, new) == told(renamed, {})


def _renamed(cluster: ClusterSpec, new: dict[str, str]) -> ClusterSpec:
    """Return a cluster whose hosts have other names, everywhere a name may stand."""
    pattern = re.compile(rf"(?<![A-Za-z0-9-])({'|'.join(new)})(?![A-Za-z0-9])")

    def text(words: str) -> str:
        return pattern.sub(lambda match: new[match[1]], words)

    def peer(spec):  # type: ignore[no-untyped-def]
        certificate = replace(
            spec.certificate,
            common_name=text(spec.certificate.common_name),
            dns_names=tuple(map(text, spec.certificate.dns_names)),
        )
        return spec.changed(
            host_name=text(spec.host_name), peer_list=tuple(map(text, spec.peer_list)), certificate=certificate
        )

    return replace(
        cluster,
        peers=tuple(map(peer, cluster.peers)),
        mapping={text(name): address for name, address in cluster.mapping.items()},
        round_trips={frozenset(map(text, pair)): ms for pair, ms in cluster.round_trips.items()},
        files={text(name): text(words) for name, words in cluster.files.items()},
    )


@pytest.fixture(scope="module")
def troubled() -> Findings:
    return expdiag.check(expdiag.load(CASES / "troubled-e"))


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_files_never_matters(seed: int, troubled: Findings, tmp_path: Path) -> None:
    """Given one by one in any order, and under names that sort otherwise, the same evidence gives the same verdicts."""
    chance = random.Random(seed)
    archives = sorted((CASES / "troubled-e").glob("*.tar.gz"))
    paths = []
    for archive in archives:
        target = tmp_path / f"{chance.randrange(10**6)}-{archive.name}"
        shutil.copy(archive, target)
        paths.append(target)
    shutil.copytree(CASES / "troubled-e", tmp_path / "others", ignore=shutil.ignore_patterns("*.tar.gz"))
    paths.append(tmp_path / "others")
    chance.shuffle(paths)
    assert outcomes(expdiag.check(expdiag.load(*paths))) == outcomes(troubled)


@SLOW
@given(seed=st.integers(0, 10**6), faults=st.sets(st.sampled_from(FAULTS), min_size=1, max_size=3))
@example(seed=1405, faults={at_public_address, far})  # a peer without exports, listed at an address before NAT
def test_more_evidence_never_heals_in_silence(
    seed: int, faults: set[Callable[[ClusterSpec], ClusterSpec]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Part of a case, then all of it: what was a violation stays one, or the finding says what speaks against it."""
    cluster = healthy()
    for fault in sorted(faults, key=lambda fault: fault.__name__):
        cluster = fault(cluster)
    folder = tmp_path_factory.mktemp("growing")
    write_case(cluster, folder / "whole")
    shutil.copytree(folder / "whole", folder / "part")
    chance = random.Random(seed)
    files = sorted(path for path in (folder / "part").rglob("*") if path.is_file() and path.name != "case.toml")
    for path in chance.sample(files, k=chance.randrange(1, len(files))):
        path.unlink()
    try:
        part = expdiag.check(expdiag.load(folder / "part"))
    except expdiag.errors.NothingReadableError:
        return
    whole = {(f.requirement.number, f.subject.peers): f for f in expdiag.check(expdiag.load(folder / "whole"))}
    for before in part.of(VIOLATION):
        after = whole.get((before.requirement.number, before.subject.peers))
        if after is not None:
            assert after.outcome == VIOLATION, (before.verdict, after.verdict)


@SLOW
@given(seed=st.integers(0, 10**6))
def test_less_evidence_gives_unknowns_and_no_other_verdict(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of a healthy cluster any part is free of violations, too."""
    folder = tmp_path_factory.mktemp("shrinking")
    write_case(healthy(), folder)
    chance = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in chance.sample(files, k=chance.randrange(1, len(files))):
        path.unlink()
    try:
        findings = expdiag.check(expdiag.load(folder))
    except expdiag.errors.NothingReadableError:
        return
    assert [(f.requirement.number, f.subject.peers, f.verdict.reason) for f in findings.of(VIOLATION)] == []


def test_a_cluster_of_one_has_nothing_to_compare(tmp_path: Path) -> None:
    findings = judged(healthy(1), tmp_path)
    assert {f.outcome for f in findings if f.subject.kind == "cluster"} <= {PASS, NOT_APPLICABLE, UNKNOWN}
