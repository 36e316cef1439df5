"""Runs the lab in namespaces of its own, so that nothing of it is left however it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT = 150
# command: Debian package
TOOLS = {
    "dig": "bind9-dnsutils",
    "dnsmasq": "dnsmasq-base",
    "fping": "fping",
    "host": "bind9-host",
    "ip": "iproute2",
    "mtr": "mtr-tiny",
    "nft": "nftables",
    "nmap": "nmap",
    "nping": "nmap",
    "nslookup": "bind9-dnsutils",
    "openssl": "openssl",
    "ping": "iputils-ping",
    "setpriv": "util-linux",
    "sysctl": "procps",
    "tcpdump": "tcpdump",
    "tracepath": "iputils-tracepath",
    "traceroute": "traceroute",
    "unshare": "util-linux",
}
# The lab is process 1 of a namespace: when it goes, the kernel ends every process in it, and with them the networks
# and mounts. It goes when `unshare` goes, and that when whoever started it goes, even by SIGKILL.
_ALONE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"),
)


def missing() -> str:
    """Return why the lab cannot run here; empty where it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "the lab needs root on Linux: it makes network namespaces"
    if absent := [f"{tool} ({package})" for tool, package in TOOLS.items() if not shutil.which(tool)]:
        return f"the lab needs {', '.join(absent)}"
    if absent := [path for path in ("/dev/net/tun", "/proc/sys/net/ipv6") if not os.path.exists(path)]:
        return f"the lab needs {', '.join(absent)}"
    tried = subprocess.run([*_ALONE, "true"], capture_output=True, text=True, check=False)
    return f"the lab may not make namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the lab; it writes into the folder and prints what it is at. It ends with the block at the latest."""
    lab = subprocess.Popen(
        [*_ALONE, sys.executable, "-m", "tests.lab", str(folder)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield lab
    finally:
        lab.kill()
        lab.wait()
        if lab.stdout:
            lab.stdout.close()


def run(folder: Path) -> None:
    """Run the whole lab.

    Raises:
        RuntimeError: it failed; the error holds what it printed.
        subprocess.TimeoutExpired: it took far too long.
    """
    with started(folder) as lab:
        printed, _ = lab.communicate(timeout=LIMIT)
        if lab.returncode:
            raise RuntimeError(f"the lab gave {lab.returncode}:\n{printed}")
