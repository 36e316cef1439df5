"""Times whole processes: what the README promises, each figure beside a bare interpreter of the same run.

`make bench` prints the table. These are measurements, not tests: a busy machine moves them.
"""

from __future__ import annotations

import gzip
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import tar_gz

ROOT = Path(__file__).parent.parent
CASES = ROOT / "data" / "cases"
RUNS = 7
ZONE = (
    *(("Name", "zone of a branch"), ("Type", "Neighbor"), ("Neighbor Peer 1 Address", "10.1.2.7"), ("H323 Mode", "On")),
    *(("SIP Port", "5061"), ("SIP TLS Verify Mode", "Off"), ("HopCount", "15"), ("Neighbor Peer 2 Address", "")),
    ("Neighbor Authentication Password", "{cipher}abcdef"),
)


def seconds(*command: object) -> list[float]:
    """Return wall seconds of several runs of a command, after one that warms up."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return times[1:]


def write_log(path: Path, megabytes: int) -> None:
    """Write an archive with one diagnostic log: mostly SIP traces, now and then an alarm."""
    chance = random.Random(5)
    time_ = datetime(2026, 5, 1, tzinfo=UTC)
    lines: list[str] = []
    size = 0
    while size < megabytes * 1_000_000:
        time_ += timedelta(milliseconds=chance.randint(1, 40))
        stamp, clock = (
            time_.isoformat(timespec="milliseconds"),
            f"{time_:%Y-%m-%d %H:%M:%S},{time_.microsecond // 1000:03d}",
        )
        if chance.random() < 0.005:
            record = (
                f'{stamp} e1 alarm: Level="WARN" Event="Alarm Raised" Id="20006" UUID="" Severity="warning" '
                f'Detail="Cluster database communication failure: x" UTCTime="{clock}"\n'
            )
        else:
            branches = (
                f" |Via: SIP/2.0/TLS 10.0.0.{chance.randint(1, 250)}:5061;branch=z9hG4bK{chance.getrandbits(60):x}\n"
                for _ in range(chance.randint(1, 8))
            )
            head = f'{stamp} e1 tvcs: UTCTime="{clock}" Module="network.sip" Level="DEBUG":  Action="Sent"\n SIPMSG:\n'
            record = head + "".join(branches)
        lines.append(record)
        size += len(record)
    path.write_bytes(tar_gz({"loggingsnapshot_e1_2026-05-01_12:00:00.txt": "".join(lines).encode()}, AS_OF))


def bench_log(folder: str, megabytes: int = 300) -> None:
    """Print how long the tables of a large log take, whole process, beside unpacking the same archive."""
    archive = Path(folder) / "log.tar.gz"
    write_log(archive, megabytes)
    unpacking = statistics.median(seconds("gzip", "-dc", archive))
    load = f"import expdiag; expdiag.load({str(archive)!r}).cluster"
    plain = f"import sys; sys.modules['hyperscan'] = sys.modules['isal'] = None; {load}"
    print(f"\n{'log of ' + str(megabytes) + ' MB in a tar.gz':34} {'median':>8} {'to gzip -dc':>15} {'promised':>9}")
    print(f"{'gzip -dc':34} {unpacking:7.3f}s {1:14.2f}x")
    for name, program, promised in (("its tables", load, "1.00x"), ("without isal and hyperscan", plain, "")):
        middle = statistics.median(seconds(sys.executable, "-c", program))
        print(f"{name:34} {middle:7.3f}s {middle / unpacking:14.2f}x {promised:>9}")


def zones(numbers: Iterable[int]) -> list[tuple[str, str]]:
    """Return the leaves of zones with these indexes."""
    return [(f"Zones Zone {number} {word}", value) for number in numbers for word, value in ZONE]


def write_dumps(folder: Path, megabytes: int) -> dict[str, Path]:
    """Write a configuration of many zones as text and as XML, and a status of as many as XML."""
    peer = healthy().peers[0]
    written = {}
    for name, leaves, print_ in (
        ("configuration text", exports.configuration(peer), exports.configuration_text),
        (
            "configuration XML",
            exports.configuration(peer),
            lambda found: exports.xml("Configuration", found, "X14.3.4"),
        ),
        ("status XML", exports.status(peer, AS_OF), lambda found: exports.xml("Status", found, "X14.3.4")),
    ):
        size_of_100 = len(print_(zones(range(10_000, 10_100)))) - len(print_([]))
        many = zones(range(10_000, 10_000 + megabytes * 100_000_000 // size_of_100))
        written[name] = folder / f"{name}.dump"
        written[name].write_text(print_([*leaves, *many]), encoding="utf-8")
    return written


def bench_dumps(folder: str, megabytes: int = 50) -> None:
    """Print how long the tables of large dumps take, whole process, beside unpacking the same dump."""
    print(f"\n{'dump of ' + str(megabytes) + ' MB':34} {'median':>8} {'to gzip -dc':>15} {'MB/s':>9} {'promised':>9}")
    for name, dump in write_dumps(Path(folder), megabytes).items():
        size = dump.stat().st_size / 1e6
        packed = dump.with_suffix(".gz")
        packed.write_bytes(gzip.compress(dump.read_bytes(), 6))
        unpacking = statistics.median(seconds("gzip", "-dc", packed))
        load = f"import expdiag; expdiag.load({str(dump)!r}).cluster"
        middle = statistics.median(seconds(sys.executable, "-c", load))
        print(f"{name:34} {middle:7.3f}s {middle / unpacking:14.2f}x {size / middle:9.1f} {'25 MB/s':>9}")


def main() -> None:
    """Print the tables."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            ("python -c pass", "", (python, "-c", "pass")),
            ("import expdiag", "", (python, "-c", "import expdiag")),
            ("expdiag --help", "0.3 s", (python, "-m", "expdiag", "--help")),
        ]
        for case in sorted(path.name for path in CASES.iterdir()):
            for kind in ("table", "json", "markdown", "html"):
                command = (python, "-m", "expdiag", "check", CASES / case, "--format", kind)
                rows.append((f"check {case} ({kind})", "2 s", (*command, "--output", f"{folder}/out")))
        bare = statistics.median(seconds(*rows[0][2]))
        print(f"{'whole process':34} {'median':>8} {'worst':>8} {'to bare Python':>15} {'promised':>9}")
        for name, promised, command in rows:
            times = seconds(*command)
            middle = statistics.median(times)
            print(f"{name:34} {middle:7.3f}s {max(times):7.3f}s {middle / bare:14.1f}x {promised:>9}")
        bench_log(folder)
        bench_dumps(folder)


if __name__ == "__main__":
    main()
