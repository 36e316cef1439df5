"""How long a capture takes beside tshark and gzip, and the memory a folder of rotated captures takes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.bench import timing
from tests.traffic import write_large

RUNS = 3
# What tshark is asked for the same four results: round trips of SYNs and echoes, endpoints, names and certificates.
_FIELDS = (
    *("frame.time_epoch", "ip.src", "ip.dst", "ip.proto", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"),
    *("tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "icmp.type", "icmp.ident", "icmp.seq"),
    *("tls.handshake.extensions_server_name", "x509sat.uTF8String"),
)


def run(folder: Path, megabytes: int = 200, files: int = 20) -> None:
    """Print what captures take.

    Args:
        folder: where they are written.
        megabytes: size of the one capture that is timed.
        files: how many captures of a tenth of that size the memory is measured with.
    """
    large, rotated = folder / "large.pcap", folder / "rotated"
    write_large(large, megabytes)
    subprocess.run(["gzip", "-k", large], check=True)
    commands = {"gzip -dc": ("gzip", "-dc", f"{large}.gz"), "its tables": timing.load(large)}
    if timing.has("tshark"):
        commands["tshark -T fields"] = _tshark(large)
    best = timing.in_turn(commands, RUNS)
    timing.head(f"capture of {large.stat().st_size / 1e6:.0f} MB", "gzip -dc")
    for name, took in best.items():
        promised = "1.00x" if name == "its tables" else ""
        timing.row(name, took.seconds, took.seconds / best["gzip -dc"].seconds, promised)
    if "tshark -T fields" in best:
        times = best["tshark -T fields"].seconds / best["its tables"].seconds
        timing.figure("times as fast as tshark", f"{times:.1f}x", "15.0x")
    _bench_memory(rotated, megabytes / 10, files)


def _tshark(capture: Path) -> timing.Command:
    fields = [part for name in _FIELDS for part in ("-e", name)]
    tls = [part for port in (4371, 4372) for part in ("-d", f"tcp.port=={port},tls")]
    return ("tshark", "-n", "-r", capture, *tls, "-T", "fields", *fields)


def _bench_memory(folder: Path, megabytes: float, files: int) -> None:
    folder.mkdir()
    name = "eth0_diagnostic_logging_tcpdump{}_e1.pcap"
    write_large(folder / name.format(0), megabytes)
    for number in range(1, files):
        shutil.copy(folder / name.format(0), folder / name.format(number))
    took = timing.once(timing.load(folder))
    timing.figure(f"peak memory, {files} files of {megabytes:g} MB", f"{took.largest:.0f} MB", "150 MB")
    timing.figure("all processes together", f"{took.megabytes:.0f} MB", "")
