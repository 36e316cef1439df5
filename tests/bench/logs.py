"""How long the tables of a large log take, beside unpacking the same archive."""

from __future__ import annotations

import random
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench import timing

RUNS = 3
NAME = "loggingsnapshot_e1_2026-05-01_12:00:00.txt"
_DAY = b"2026-05-01"
_OF_A_DAY = 30


def write_log(path: Path, megabytes: int) -> None:
    """Write a diagnostic log, the first minutes of many days: mostly SIP traces, now and then an alarm."""
    day = _day(_OF_A_DAY * 1_000_000)
    with path.open("wb") as file:
        for number in range(megabytes // _OF_A_DAY):
            later = (datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=number)).strftime("%Y-%m-%d")
            file.write(day.replace(_DAY, later.encode()))


def _day(size: int) -> bytes:
    chance = random.Random(5)
    time = datetime(2026, 5, 1, tzinfo=UTC)
    records: list[str] = []
    while size > 0:
        time += timedelta(milliseconds=chance.randint(1, 40))
        stamp = time.isoformat(timespec="milliseconds")
        clock = f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03d}"
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
            sent = f'{stamp} e1 tvcs: UTCTime="{clock}" Module="network.sip" Level="DEBUG":  Action="Sent"\n SIPMSG:\n'
            record = sent + "".join(branches)
        records.append(record)
        size -= len(record)
    return "".join(records).encode()


def run(folder: Path, megabytes: int = 300) -> None:
    """Print how long the tables take, with and without the optional libraries."""
    archive = folder / "log.tar.gz"
    write_log(folder / NAME, megabytes)
    with tarfile.open(archive, "w:gz", compresslevel=6) as packed:
        packed.add(folder / NAME, NAME)
    load = timing.load(archive)
    plain = f"import sys; sys.modules['hyperscan'] = sys.modules['isal'] = None; {load[-1]}"
    best = timing.in_turn(
        {
            "gzip -dc": ("gzip", "-dc", archive),
            "its tables": load,
            "without isal and hyperscan": (sys.executable, "-c", plain),
        },
        RUNS,
    )
    timing.head(f"log of {megabytes} MB in a tar.gz", "gzip -dc")
    for name, took in best.items():
        ratio = took.seconds / best["gzip -dc"].seconds
        timing.row(name, took.seconds, ratio, "1.00x" if name == "its tables" else "")
