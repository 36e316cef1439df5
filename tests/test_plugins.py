"""Rules of other packages: used where they are sound, reported where they are not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

import expdiag
from expdiag.errors import UnknownNameError
from expdiag.rules import engine, plugins
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case

MODULE = '''
from expdiag.rules.declare import custom, passed, rule

@custom("acme:two-peers", title="At least two peers", each="cluster", reference="House rules, 1")
def two_peers(cluster):
    """There are two peers.

    Why: one is none.
    """
    return passed("enough peers")

@custom("acme:named", title="Peers have names", each="peer", strength="must", reference="House rules, 2")
def named(cluster, peer):
    return passed(f"{peer} has one", evidence=peer.host_name.sources)

@custom("acme:breaks", title="Breaks", each="peer", reference="House rules, 3")
def breaks(cluster, peer):
    raise ZeroDivisionError("always")

@custom("acme:silent", title="Says nothing", each="cluster", reference="House rules, 4")
def silent(cluster):
    return None

@custom("acme:pair", title="Wrong arguments", each="pair", reference="House rules, 5")
def pair(cluster, only_one):
    return passed("never called")

@custom("nobody", title="No maker", each="peer", reference="House rules, 6")
def nameless(cluster, peer):
    return passed("never called")

@custom("acme:moon", title="Wrong subject", each="moon", reference="House rules, 7")
def moon(cluster):
    return passed("never called")

@custom("acme:maybe", title="Wrong strength", each="cluster", strength="may", reference="House rules, 8")
def maybe(cluster):
    return passed("never called")

good = [two_peers, named]
text = "no rule at all"
number = 7
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with rules, and nothing of it left behind."""
    (tmp_path / "acme_rules.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "acme_rules"
    sys.modules.pop("acme_rules", None)


def entry(module: str, name: str) -> EntryPoint:
    return EntryPoint(name, f"{module}:{name}", plugins.GROUP)


def test_sound_rules_are_taken(module: str) -> None:
    found = plugins.gather([entry(module, "good"), entry(module, "breaks")])
    assert list(found.rules) == ["acme:two-peers", "acme:named", "acme:breaks"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pair", "cannot be called with the cluster and its subject"),
        ("nameless", "needs an id with the name of its maker, such as 'acme:nobody'"),
        ("moon", "judged for each 'moon'"),
        ("maybe", "has the strength 'may'"),
        ("text", "'n' is no Rule"),
        ("number", "cannot be loaded: TypeError"),
        ("absent", "cannot be loaded: AttributeError"),
        ("good", "there is a rule 'acme:two-peers' already"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_kept(module: str, name: str, said: str) -> None:
    found = plugins.gather([entry(module, "good"), entry(module, name), entry(module, "breaks")])
    assert set(found.rules) == {"acme:two-peers", "acme:named", "acme:breaks"}
    assert said in found.problems[0]


def test_a_module_that_is_not_there() -> None:
    (problem,) = plugins.gather([entry("no_such_module_anywhere", "rules")]).problems
    assert "ModuleNotFoundError" in problem


@pytest.fixture
def installed(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plugins.gather([entry(module, name) for name in ("good", "breaks", "silent", "moon")])
    monkeypatch.setattr(plugins, "installed", lambda: found)


@pytest.mark.usefixtures("installed")
def test_a_crash_costs_its_own_verdict_only(tmp_path: Path) -> None:
    write_case(healthy(), tmp_path)
    findings = expdiag.check(expdiag.load(tmp_path))
    by_rule = {(f.requirement.rule, f.subject.peers): f for f in findings}
    assert by_rule["acme:two-peers", ("e1", "e2", "e3")].outcome == "pass"
    assert [f.verdict.crashed for f in findings if f.requirement.rule == "acme:breaks"] == [True] * 3
    assert "gave no verdict but NoneType" in by_rule["acme:silent", ("e1", "e2", "e3")].verdict.reason
    assert by_rule["acme:named", ("e2",)].sources
    assert not [f for f in findings if f.verdict.crashed and not f.requirement.rule.startswith("acme:")]
    assert len(findings.problems) == 1
    assert findings.crashed


@pytest.mark.usefixtures("installed")
def test_rules_of_plugins_can_be_chosen_and_accepted(tmp_path: Path) -> None:
    assert [known.rule for known in engine.select(["acme:named"])] == ["acme:named"]
    with pytest.raises(UnknownNameError):
        engine.select(["acme:absent"])
    write_case(healthy(), tmp_path)
    with (tmp_path / "case.toml").open("a") as file:
        file.write('\n[[accepted]]\nrule = "acme:named"\nreason = "known"\n')
    assert expdiag.check(expdiag.load(tmp_path), ["acme:named"])[0].outcome == "pass"


def test_an_installed_package_is_found(tmp_path: Path) -> None:
    """The whole way: metadata of an installed distribution, a process of its own, status and message."""
    (tmp_path / "acme_rules.py").write_text(MODULE)
    metadata = tmp_path / "acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        dedent("""\
        [expdiag.rules]
        good = acme_rules:good
        moon = acme_rules:moon
        """)
    )
    case = tmp_path / "case"
    write_case(healthy(), case)
    run = subprocess.run(
        [sys.executable, "-m", "expdiag", "check", str(case), "--rule", "acme:two-peers", "--format", "json"],
        env={"PYTHONPATH": f"{tmp_path}:{Path(expdiag.__file__).parent.parent}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 5, run.stderr
    assert '"rule": "acme:two-peers"' in run.stdout
    assert "judged for each 'moon'" in run.stderr
