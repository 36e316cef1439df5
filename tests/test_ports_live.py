"""The real tools against a router that blocks in every way: what is read of them is what the router was told to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from expdiag.intake import read
from tests.port_lab import CLOSED, DROPPED, NOBODY, OPEN, PROHIBITED, RESET, ROUTER, SERVER, Lab, missing

TOOLS = ("nmap", "nc.openbsd", "nc.traditional", "ncat", "curl", "telnet")
ALL = (OPEN, DROPPED, RESET, PROHIBITED, CLOSED)
# A tool that only connects is told of a prohibition as of a missing route, and of a reset whoever sent it
CONNECTS = {OPEN: "open", DROPPED: "filtered", RESET: "refused", PROHIBITED: "unreachable", CLOSED: "refused"}


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if reason := missing(*TOOLS):
        pytest.skip(reason)
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


def rows_of(net: Lab, tmp_path: Path, *commands: tuple[str, ...]) -> dict[str, Any]:
    """Run commands one after the other as in a terminal of the client, and read what they print."""
    text = "".join(f"root@e1:~# {' '.join(command)}\n{net.run('client', *command).stdout}" for command in commands)
    (tmp_path / "session.txt").write_text(f"{text}root@e1:~# \n")
    return dict(read([tmp_path / "session.txt"]).rows)


def states(rows: dict[str, Any]) -> dict[tuple[str, int], str]:
    assert not [issue for issue in rows["issues"] if issue.kind != "ignored"]
    assert {row.vantage for row in rows["reachability"]} == {"e1"}
    return {(row.target, row.port): row.state for row in rows["reachability"]}


@pytest.mark.parametrize("tool", ["nc.openbsd", "nc.traditional", "ncat"])
def test_netcat(net: Lab, tmp_path: Path, tool: str) -> None:
    tries = [(tool, "-n", "-z", "-v", "-w", "3", SERVER, str(port)) for port in ALL]
    gone = (tool, "-n", "-z", "-v", "-w", "5", NOBODY, "4371")

    found = states(rows_of(net, tmp_path, *tries, gone))

    assert found == {**{(SERVER, port): state for port, state in CONNECTS.items()}, (NOBODY, 4371): "unreachable"}


def test_curl(net: Lab, tmp_path: Path) -> None:
    tries = [("curl", "-vk", "--max-time", "3", f"https://{SERVER}:{port}/") for port in ALL]

    rows = rows_of(net, tmp_path, *tries)

    assert states(rows) == {(SERVER, port): state for port, state in CONNECTS.items()}
    (handshake,) = rows["tls_handshakes"]
    assert (handshake.alert, handshake.alert_from) == ("certificate_required", "server")
    assert (handshake.verify_code, handshake.client_certificate) == (18, "requested")


def test_telnet(net: Lab, tmp_path: Path) -> None:
    ports = [port for port in ALL if port != DROPPED]

    rows = rows_of(net, tmp_path, *[("telnet", SERVER, str(port)) for port in ports])

    assert states(rows) == {(SERVER, port): CONNECTS[port] for port in ports}


def test_nmap_in_every_form(net: Lab, tmp_path: Path) -> None:
    files = [str(tmp_path / f"scan.{form}") for form in ("xml", "nmap", "gnmap")]
    forms = [word for flag, file in zip(("-oX", "-oN", "-oG"), files, strict=True) for word in (flag, file)]
    net.run("client", "nmap", "-Pn", "-n", "--reason", "-p", ",".join(map(str, ALL)), *forms, SERVER)

    whole, text, grepable = (dict(read([file]).rows)["reachability"] for file in files)

    wanted = {**CONNECTS, PROHIBITED: "prohibited"}
    assert {row.port: row.state for row in whole} == {row.port: row.state for row in text} == wanted
    assert {row.port: row.said_by for row in whole if row.said_by} == {PROHIBITED: ROUTER}
    assert [row.port for row in whole if "by a device before the host" in row.detail] == [RESET]
    assert {row.port: row.state for row in grepable} == {**wanted, DROPPED: "not-open", PROHIBITED: "not-open"}
    assert not any("l2c" in str(row) for row in (*whole, *text, *grepable))


def test_s_client_with_and_without_a_certificate(net: Lab, tmp_path: Path) -> None:
    known = read([net.folder / "cert.pem"]).rows["certificates"][0].fingerprint
    own = ("-cert", str(net.folder / "cert.pem"), "-key", str(net.folder / "key.pem"))
    trust = ("-CAfile", str(net.folder / "cert.pem"))
    connect = ("openssl", "s_client", "-connect", f"{SERVER}:{OPEN}")

    rows = rows_of(
        net,
        tmp_path,
        (*connect, *own, *trust),
        (*connect, "-tls1_2"),
        (*connect, "-ign_eof"),  # with TLS 1.3 the refusal comes when the client is done
        ("openssl", "s_client", "-connect", f"{SERVER}:{CLOSED}"),
        ("openssl", "s_client", "-connect", f"{SERVER}:{PROHIBITED}"),
    )

    assert [(row.outcome, row.alert, row.verify_code, row.client_certificate) for row in rows["tls_handshakes"]] == [
        ("completed", "", 0, "sent"),
        ("alert", "handshake_failure", 18, "requested"),
        ("alert", "certificate_required", 18, "requested"),
        ("refused", "", None, "unknown"),
        ("no-answer", "", None, "unknown"),
    ]
    assert [row.server_certificates for row in rows["tls_handshakes"]] == [(known,)] * 3 + [None] * 2
    assert [row.state for row in rows["reachability"]] == ["open", "open", "open", "refused", "unreachable"]
    assert "Master-Key" not in str(rows)


def test_ss(net: Lab, tmp_path: Path) -> None:
    hold = (
        f"(sleep 3 | openssl s_client -quiet -no_ign_eof -tls1_2 -connect {SERVER}:{OPEN} -cert cert.pem -key key.pem"
    )
    wait = f"(timeout 3 openssl s_client -connect {SERVER}:{DROPPED}"
    quiet = ">/dev/null 2>&1 &)"
    shown = net.run(
        "client", "bash", "-c", f"cd {net.folder}; {hold} {quiet}; {wait} {quiet}; sleep 1.5; ss -tin"
    ).stdout
    (tmp_path / "ss.txt").write_text(f"root@e1:~# ss -tin\n{shown}")

    rows = dict(read([tmp_path / "ss.txt"]).rows)

    assert states(rows) == {(SERVER, OPEN): "open", (SERVER, DROPPED): "not-open"}
    (run,) = rows["round_trips"]
    assert (run.method, run.tool, run.port, run.address) == ("tcp", "ss", OPEN, SERVER)
    assert 0 < run.min <= run.mean < 1000
