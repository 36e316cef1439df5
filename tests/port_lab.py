"""A router between two hosts in network namespaces, with every kind of block: what the tools say is the truth."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

SERVER, ROUTER, NOBODY = "10.79.2.10", "10.79.1.1", "10.79.2.99"
OPEN, DROPPED, RESET, PROHIBITED, CLOSED = 4371, 4372, 5061, 8443, 22
_RULES = f"""
add table ip filt
add chain ip filt forw {{ type filter hook forward priority 0; policy accept; }}
add rule ip filt forw tcp dport {DROPPED} drop
add rule ip filt forw tcp dport {RESET} reject with tcp reset
add rule ip filt forw tcp dport {PROHIBITED} reject with icmp type admin-prohibited
"""


class Lab:
    """Three namespaces named after this process; `close` takes away what was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = {role: f"expdiag-{os.getpid()}-{role}" for role in ("client", "router", "server")}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._certificates()
        try:
            self._build()
        except Exception:
            self.close()
            raise

    def _build(self) -> None:
        for name in self._names.values():
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        for host, net in (("client", 1), ("server", 2)):
            self._link(host, net)
        self.run("router", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
        subprocess.run(
            ["ip", "netns", "exec", self._names["router"], "nft", "-f", "-"], input=_RULES, text=True, check=True
        )
        self._serve()

    def run(self, role: str, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in a namespace and return what it printed, both streams in one."""
        return subprocess.run(
            ["ip", "netns", "exec", self._names[role], *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)

    def _link(self, host: str, net: int) -> None:
        here, router = self._names[host], self._names["router"]
        _ip("link", "add", "e0", "netns", here, "type", "veth", "peer", "name", f"v{net}", "netns", router)
        _ip("-n", here, "addr", "add", f"10.79.{net}.10/24", "dev", "e0")
        _ip("-n", router, "addr", "add", f"10.79.{net}.1/24", "dev", f"v{net}")
        _ip("-n", here, "link", "set", "e0", "up")
        _ip("-n", router, "link", "set", f"v{net}", "up")
        _ip("-n", here, "route", "add", "default", "via", f"10.79.{net}.1")

    def _certificates(self) -> None:
        make = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=expc02.lab.test",
        ]
        make += ["-addext", "subjectAltName=DNS:expc02.lab.test", "-keyout", "key.pem", "-out", "cert.pem"]
        subprocess.run(make, cwd=self.folder, check=True, capture_output=True)

    def _serve(self) -> None:
        serve = ["openssl", "s_server", "-cert", "cert.pem", "-key", "key.pem", "-CAfile", "cert.pem", "-quiet", "-rev"]
        for port in (OPEN, DROPPED, RESET, PROHIBITED):
            command = ["ip", "netns", "exec", self._names["server"], *serve, "-accept", str(port), "-Verify", "1"]
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        for _ in range(100):
            if self.run("server", "ss", "-tln").stdout.count("LISTEN") == 4:
                return
            time.sleep(0.05)


def missing(*tools: str) -> str:
    """Return why a lab cannot be made here, empty where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [tool for tool in ("ip", "nft", "openssl", "ss", *tools) if not shutil.which(tool)]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    probe = f"expdiag-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return "" if made.returncode == 0 else f"no network namespaces here: {made.stderr.strip()}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
