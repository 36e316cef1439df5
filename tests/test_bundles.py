"""The same exports give the same peers and verdicts however a customer packs them."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import expdiag
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import tar_gz, write_case

Contents = list[dict[str, bytes]]  # per peer, by the name of the member


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "case"
    write_case(healthy(), folder)
    return folder


def unpacked(base: Path) -> Contents:
    peers = []
    for archive in sorted(base.glob("*.tar.gz")):
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive.read_bytes()))) as tar:
            peers.append({entry.name: tar.extractfile(entry).read() for entry in tar})
    return peers


def one_archive_with_a_folder_each(peers: Contents, to: Path) -> None:
    members = {f"peer {n}/{name}": data for n, peer in enumerate(peers) for name, data in peer.items()}
    (to / "all.tar.gz").write_bytes(tar_gz(members, AS_OF))


def one_flat_archive(peers: Contents, to: Path) -> None:
    (to / "all.tar.gz").write_bytes(tar_gz({name: data for peer in peers for name, data in peer.items()}, AS_OF))


def an_archive_a_file(peers: Contents, to: Path) -> None:
    for n, peer in enumerate(peers):
        for place, (name, data) in enumerate(peer.items()):
            (to / f"part {n}-{place}.tar.gz").write_bytes(tar_gz({name: data}, AS_OF))


def zips_of_tars(peers: Contents, to: Path) -> None:
    for n, peer in enumerate(peers):
        with zipfile.ZipFile(to / f"Upload {n} ü:.zip", "w") as archive:
            archive.writestr(f"diagnostic {n}.tar.gz", tar_gz(peer, AS_OF))


def gzipped_files(peers: Contents, to: Path) -> None:
    for n, peer in enumerate(peers):
        (to / f"x{n}").mkdir()
        for name, data in peer.items():
            (to / f"x{n}" / f"{name}.gz").write_bytes(gzip.compress(data))


def all_in_one_folder(peers: Contents, to: Path) -> None:
    for peer in peers:
        for name, data in peer.items():
            (to / name).write_bytes(data)


def system_snapshots(peers: Contents, to: Path) -> None:
    """No layout of one is public: names and folders that tell nothing of the peer."""
    for n, peer in enumerate(peers):
        members = {}
        for name, data in peer.items():
            word, ending = name.partition("_")[0], name.rpartition(".")[2]
            folder = {"xconf": "config", "xstat": "status", "loggingsnapshot": "mnt/harddisk/log"}.get(word, "certs")
            members[f"snapshot/{folder}/{word}.{ending}"] = data
        (to / f"snapshot_{n}.tar.gz").write_bytes(tar_gz(members, AS_OF))


@pytest.mark.parametrize(
    "pack",
    [
        one_archive_with_a_folder_each,
        one_flat_archive,
        an_archive_a_file,
        zips_of_tars,
        gzipped_files,
        all_in_one_folder,
        system_snapshots,
    ],
)
def test_packing_changes_nothing(base: Path, tmp_path: Path, pack: Callable[[Contents, Path], None]) -> None:
    shutil.copy(base / "case.toml", tmp_path)
    for folder in ("probes", "rest"):
        shutil.copytree(base / folder, tmp_path / folder)
    pack(unpacked(base), tmp_path)

    plain, packed = expdiag.load(base), expdiag.load(tmp_path)

    assert packed.all_issues == ()
    verdicts = [[(f.requirement, str(f.subject), f.outcome) for f in expdiag.check(case)] for case in (plain, packed)]
    assert verdicts[0] == verdicts[1]
    for table in ("settings", "certificates", "alarms"):
        sizes = [case.tables[table].groupby("peer").size().to_dict() for case in (plain, packed)]
        assert sizes[0] == sizes[1]


def test_the_same_peer_twice_is_kept_and_the_newer_counts(base: Path, tmp_path: Path) -> None:
    for age, time in (("old", "2026-04-01 10:00:00"), ("new", "2026-04-30 10:00:00")):
        (tmp_path / age).mkdir()
        for name, data in unpacked(base)[0].items():
            stamped = data.replace(b"2026-05-01 12:00:00", time.encode()).replace(
                b"X14.3.4", b"X14.3.4" if age == "new" else b"X14.0.1"
            )
            if name.startswith("xstat"):
                (tmp_path / age / name).write_bytes(stamped)

    case = expdiag.load(tmp_path)

    assert str(case.cluster.peers[0].version.value) == "X14.3.4"
    assert {issue.kind for issue in case.all_issues} == {"older-bundle"}
    assert {row.value for row in case.dossier.rows["settings"] if row.path == "@version"} == {"X14.0.1", "X14.3.4"}


def test_a_newer_text_dump_counts_before_an_older_xml_dump(files) -> None:
    old = "<Configuration><IP><DNS><Hostname>e1</Hostname></DNS></IP><H323><Mode>On</Mode></H323></Configuration>"
    new = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration H323 Mode: "Off"\n'

    case = expdiag.load(
        files(
            {
                "o/xconf_dump_e1_2026-05-01_08_00_00.xml": old,
                "n/xconf_dump_e1_2026-06-01_08_00_00.txt": new,
            }
        )
    )

    assert case.cluster.peers[0].h323_on.value is False
    assert [(issue.file[0], issue.kind) for issue in case.all_issues] == [("o", "older-bundle")]


def test_a_bundle_that_only_has_a_system_name_is_a_peer(files) -> None:
    case = expdiag.load(files({"b/dump.txt": '*c xConfiguration SystemUnit Name: "Edge 1"\n'}))

    assert [peer.name for peer in case.cluster.peers] == ["edge 1"]


def test_a_year_is_a_stamp_in_the_name_of_a_dump(files) -> None:
    case = expdiag.load(files({"b/xconf_dump_e1_2026.txt": "*c xConfiguration H323 Mode: On\n"}))

    assert [peer.name for peer in case.cluster.peers] == ["e1"]
