"""One pasted session with several tools: each output is read by its own reader, lines keep their numbers."""

from __future__ import annotations

import pytest

import expdiag
from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, healthy
from tests.conftest import ROOT

SAMPLES = ROOT / "tests" / "samples"
PARTS = {
    "ping 10.77.2.10": SAMPLES / "ping" / "iputils-p1-p2-A.txt",
    "traceroute -n 10.77.3.10": SAMPLES / "trace" / "traceroute-n.txt",
    "iptables-save": SAMPLES / "firewall" / "iptables-nft-save.txt",
}


def session_of(parts: dict[str, str]) -> str:
    return "".join(f"admin@e1:~$ {command}\n{output}" for command, output in parts.items())


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_each_tool_of_a_session_is_read(files, ends: str) -> None:
    parts = {command: path.read_text() for command, path in PARTS.items()}
    text = session_of(parts).replace("\n", ends)

    case = expdiag.load(files({"session.txt": text}))

    alone = expdiag.load(files({"session.txt": "", **{f"probes/e1/{n}.txt": t for n, t in enumerate(parts.values())}}))
    for table in ("probes", "hops", "firewall_rules"):
        assert len(case.dossier.rows[table]) == len(alone.dossier.rows[table]) > 0
    assert {row.vantage for table in ("round_trips", "traces") for row in case.dossier.rows[table]} == {"e1"}
    assert not [issue for issue in case.all_issues if issue.kind == "unrecognised"]


def test_lines_keep_their_numbers(files) -> None:
    parts = {command: path.read_text() for command, path in PARTS.items()}
    lines = session_of(parts).splitlines()

    case = expdiag.load(files({"session.txt": session_of(parts)}))

    for table in ("probes", "hops", "firewall_rules"):
        for row in case.dossier.rows[table]:
            source = case.sources[row.source]
            assert lines[source.line - 1].strip().startswith(source.text.strip().removesuffix("…"))
    (file,) = case.dossier.rows["files"]
    assert (file.kind, file.lines) == ("terminal session", len(lines))


def test_dumps_of_a_session_have_their_lines_too(files) -> None:
    peer = healthy().peers[0]
    parts = {
        "ping 10.77.2.10": PARTS["ping 10.77.2.10"].read_text(),
        "xConfiguration": exports.configuration_text(exports.configuration(peer)),
        "xStatus": exports.status_text(exports.status(peer, AS_OF)),
    }
    text = session_of(parts)

    case = expdiag.load(files({"session.txt": text}))

    assert case.dossier.rows["files"][0].kind == "terminal session"
    assert len(case.dossier.rows["settings"]) > 70
    lines = text.splitlines()
    for row in case.dossier.rows["settings"]:
        source = case.sources[row.source]
        assert lines[source.line - 1].strip() == source.text.strip()


def test_what_nobody_knows_is_an_issue_with_its_line(files) -> None:
    parts = {command: path.read_text() for command, path in PARTS.items()}
    before = session_of(parts)

    case = expdiag.load(files({"session.txt": f"{before}admin@e1:~$ telnet\nwhat is this\n"}))

    found = [(issue.line, issue.text) for issue in case.all_issues if issue.kind == "unrecognised"]
    assert found == [(before.count("\n") + 2, "what is this")]
