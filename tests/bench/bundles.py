"""How long the bundles of a cluster take to be judged, beside unpacking them one after another."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import bundle
from tests.bench import logs, timing
from tests.traffic import write_large

RUNS = 3
PEERS = 6
_PIECE = 1 << 20


def write_bundles(folder: Path, capture_megabytes: int, log_megabytes: int) -> list[Path]:
    """Write a bundle a peer of a cluster: its exports, and a log and a capture that all of them share.

    The shared part is compressed once; a gzip file may consist of several.
    """
    log, capture = folder / logs.NAME, folder / "eth0_diagnostic_logging_tcpdump0_e1.pcap"
    logs.write_log(log, log_megabytes)
    write_large(capture, capture_megabytes)
    shared = folder / "shared.tar"
    with tarfile.open(shared, "w") as archive:
        archive.add(log, log.name)
        archive.add(capture, capture.name)
    subprocess.run(["gzip", shared], check=True)
    cluster = healthy(PEERS)
    cases = folder / "case"
    cases.mkdir()
    written = []
    for peer in cluster.peers:
        path = cases / f"diagnostic_log_{peer.host_name}.tar.gz"
        with path.open("wb") as file:
            file.write(_packed(_members(bundle(peer, cluster))))
            file.writelines(_pieces(Path(f"{shared}.gz")))
        written.append(path)
    return written


def _members(members: dict[str, bytes]) -> bytes:
    """Return the beginning of an archive that goes on behind these members."""
    begun = io.BytesIO()
    archive = tarfile.TarFile(fileobj=begun, mode="w")
    for name, content in members.items():
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return begun.getvalue()


def _packed(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_PIECE), b"")


def run(folder: Path, capture_megabytes: int = 200, log_megabytes: int = 300) -> None:
    """Print how long one bundle takes, and those of six peers."""
    paths = write_bundles(folder, capture_megabytes, log_megabytes)
    one = timing.in_turn({"gzip -dc": ("gzip", "-dc", paths[0]), "check": timing.check(paths[0])}, RUNS)
    timing.head(f"bundle of {capture_megabytes + log_megabytes} MB", "gzip -dc")
    _print("check, one bundle", one, "0.80x")
    six = timing.in_turn({"gzip -dc": ("gzip", "-dc", *paths), "check": timing.check(folder / "case")}, 1)
    _print(f"check, {PEERS} peers", six, "0.50x")
    timing.figure(f"peak memory, {PEERS} peers, all processes", f"{six['check'].megabytes:.0f} MB", "500 MB")


def _print(name: str, best: dict[str, timing.Took], promised: str) -> None:
    unpacking, ours = best["gzip -dc"].seconds, best["check"].seconds
    timing.row("gzip -dc", unpacking, 1)
    timing.row(name, ours, ours / unpacking, promised)
