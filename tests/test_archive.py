"""Archives of every shape, and what is refused of hostile ones."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

import expdiag
from expdiag.errors import NothingReadableError
from expdiag.intake.inflate import Inflated
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import bundle, tar_gz
from tests.conftest import CASES

CLUSTER = healthy()
MEMBERS = bundle(CLUSTER.peers[0], CLUSTER)
LINE = b'*c xConfiguration H323 Mode: "On"\n'


def kinds(case: expdiag.Case) -> dict[str, str]:
    return {issue.kind: issue.file for issue in case.all_issues}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(*entries: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    return buffer.getvalue()


def peer_facts(case: expdiag.Case) -> tuple[object, ...]:
    (peer,) = (peer for peer in case.cluster.peers if peer.seen)
    return peer.name, str(peer.version.value), peer.fqdn.value, peer.server_certificate is not None


SHAPES: dict[str, Callable[[], dict[str, bytes]]] = {
    "tar.gz": lambda: {"any name": tar_gz(MEMBERS, AS_OF)},
    "tar": lambda: {"bundle.tar": gzip.decompress(tar_gz(MEMBERS, AS_OF))},
    "zip": lambda: {"bundle.bin": zipped(MEMBERS)},
    "folder": lambda: {f"e1/{name}": content for name, content in MEMBERS.items()},
    "gz files": lambda: {f"e1/{name}.gz": gzip.compress(content) for name, content in MEMBERS.items()},
    "zip of tar.gz": lambda: {"all.zip": zipped({"one/e1.tar.gz": tar_gz(MEMBERS, AS_OF)})},
    "tar.gz of zip": lambda: {"all.tgz": tar_gz({"e1.zip": zipped(MEMBERS)}, AS_OF)},
    "gz in two streams": lambda: {
        "b.tar.gz": b"".join(
            gzip.compress(part)
            for data in [gzip.decompress(tar_gz(MEMBERS, AS_OF))]
            for part in (data[:5000], data[5000:])
        )
    },
    "members with spaces and unicode": lambda: {
        "b.tar.gz": tar_gz({f"dïag log/{n.replace('_', '_ ', 1)}": c for n, c in MEMBERS.items()}, AS_OF)
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_bundle_of_any_shape_is_one_peer(files, shape: str) -> None:
    case = expdiag.load(files(SHAPES[shape]()))

    assert peer_facts(case) == ("e1", "X14.3.4", "e1.edge.example.com", True)
    assert case.all_issues == ()


def test_members_are_written_behind_their_archive(files) -> None:
    case = expdiag.load(files({"all.zip": zipped({"in/e1.tar.gz": tar_gz({"c.txt": LINE}, AS_OF)})}))

    (row,) = case.dossier.rows["settings"]
    assert case.sources[row.source].file == "all.zip!in/e1.tar.gz!c.txt"


@pytest.mark.parametrize("sixteenth", range(1, 17))
def test_a_truncated_archive_keeps_all_that_can_be_unpacked(files, sixteenth: int) -> None:
    lines = [f'*c xConfiguration Zones Zone {n} Name: "{random.Random(n).random()}"' for n in range(1, 5000)]
    whole = tar_gz({"x.txt": LINE, "big.txt": "\n".join(lines).encode()}, AS_OF)
    cut = whole[: len(whole) * sixteenth // 16 - (1 if sixteenth == 16 else 0)]
    inflated = zlib.decompressobj(31).decompress(cut)

    case = expdiag.load(files({"b.tar.gz": cut, "other/x.txt": LINE}))

    read = [row for row in case.dossier.rows["settings"] if row.path.startswith("Zones")]
    assert abs(inflated.count(b"Zones Zone") - len(read)) <= 1  # the line the cut goes through
    assert "truncated" in kinds(case)
    assert "other/x.txt" in {case.sources[row.source].file for row in case.dossier.rows["settings"]}
    expdiag.check(case)


@pytest.mark.parametrize("damage", ["checksum", "garbage", "trailer"])
def test_damage_behind_the_data_loses_none_of_it(files, damage: str) -> None:
    whole = tar_gz(MEMBERS, AS_OF)
    content = {"checksum": whole[:-8] + b"\0\0\0\0" + whole[-4:], "garbage": whole + b"junk", "trailer": whole[:-8]}

    case = expdiag.load(files({"b.tar.gz": content[damage]}))

    assert peer_facts(case) == ("e1", "X14.3.4", "e1.edge.example.com", True)
    assert kinds(case) == {"truncated": "b.tar.gz"}


def test_a_damaged_header_loses_one_member_and_says_so(files) -> None:
    content = bytearray(tarred(("a.txt", LINE), ("b.txt", LINE), ("c.txt", LINE)))
    content[1024 + 5] ^= 0xFF

    case = expdiag.load(files({"b.tar": bytes(content)}))

    assert kinds(case)["broken"] == "b.tar"
    assert {case.sources[r.source].file for r in case.dossier.rows["settings"]} == {"b.tar!a.txt", "b.tar!c.txt"}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_archives_in_a_row_are_all_read(files, pack) -> None:
    content = pack(tarred(("a.txt", LINE))) + pack(tarred(("b.txt", LINE)))

    case = expdiag.load(files({"b.tar": content}))

    assert {case.sources[r.source].file for r in case.dossier.rows["settings"]} == {"b.tar!a.txt", "b.tar!b.txt"}


def test_members_of_absurd_size_end_their_archive(files) -> None:
    huge = tarfile.TarInfo("huge.txt")
    huge.pax_headers = {"size": "99999999999999999999"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(huge)
        info = tarfile.TarInfo("b.txt")
        info.size = len(LINE)
        archive.addfile(info, io.BytesIO(LINE))

    case = expdiag.load(files({"b.tar": buffer.getvalue(), "x.txt": LINE}))

    assert "truncated" in kinds(case)


def test_the_inflater_agrees_with_the_library(tmp_path: Path) -> None:
    numbers = random.Random(3)
    for size in (0, 1, 1000, 300_000, 2_000_000):
        content = bytes(numbers.choices(b"abcdefgh\n", k=size))
        packed = gzip.compress(content[: size // 2], 6) + gzip.compress(content[size // 2 :], 1)
        for piece in (1 << 10, 1 << 20):
            stream = Inflated(io.BytesIO(packed))
            read = b"".join(iter(lambda stream=stream, piece=piece: stream.read(piece), b""))
            assert read == content == gzip.decompress(packed)
            assert stream.problem == ""


def test_without_isal_the_results_are_the_same() -> None:
    program = (
        "import sys; sys.modules['isal'] = sys.modules['isal.isal_zlib'] = None;"
        f"import expdiag; f = expdiag.check(expdiag.load({str(CASES / 'troubled-e')!r}));"
        "print([(x.requirement.number, x.subject.peers, x.outcome) for x in f])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    findings = expdiag.check(expdiag.load(CASES / "troubled-e"))
    assert done.stdout.strip() == str([(f.requirement.number, f.subject.peers, f.outcome) for f in findings])


def test_links_devices_and_climbing_names_are_refused_one_by_one(files) -> None:
    link, hard, device, fifo = (tarfile.TarInfo(name) for name in ("link", "hard", "device", "fifo"))
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "x.txt"
    device.type, fifo.type = tarfile.CHRTYPE, tarfile.FIFOTYPE
    content = tarred(link, hard, device, fifo, ("/abs.txt", LINE), ("../up.txt", LINE), ("a/../../b.txt", LINE))
    folder = files({"b.tar": content + b"", "c.tar": tarred(("good.txt", LINE))})

    case = expdiag.load(folder)

    assert sorted((issue.kind, issue.file) for issue in case.all_issues if issue.file.startswith("b.tar")) == [
        ("link", "b.tar!hard"),
        ("link", "b.tar!link"),
        ("special-file", "b.tar!device"),
        ("special-file", "b.tar!fifo"),
        ("unsafe-path", "b.tar!../up.txt"),
        ("unsafe-path", "b.tar!/abs.txt"),
        ("unsafe-path", "b.tar!a/../../b.txt"),
    ]
    assert len(case.dossier.rows["settings"]) == 1


@pytest.mark.parametrize("name", ["/abs.txt", "../up.txt", "C:\\win.txt", "a\\..\\..\\b.txt"])
def test_climbing_names_in_a_zip_are_refused(files, name: str) -> None:
    case = expdiag.load(files({"b.zip": zipped({name: LINE, "good.txt": LINE})}))

    assert "unsafe-path" in kinds(case)
    assert len(case.dossier.rows["settings"]) == 1


def test_a_zip_with_a_wrong_checksum(files) -> None:
    content = zipped({"x.txt": LINE})
    broken = content.replace(zipfile.crc32(LINE).to_bytes(4, "little"), b"\0\1\2\3")  # type: ignore[attr-defined]

    case = expdiag.load(files({"b.zip": broken, "good.txt": LINE}))

    assert {"truncated", "unreadable"} & set(kinds(case))


def test_an_encrypted_member_is_refused_and_the_rest_read(files) -> None:
    content = bytearray(zipped({"secret.txt": LINE, "good.txt": LINE}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1

    case = expdiag.load(files({"b.zip": bytes(content)}))

    assert kinds(case)["encrypted"] == "b.zip!secret.txt"
    assert len(case.dossier.rows["settings"]) == 1


def test_a_bomb_by_ratio_is_refused(files) -> None:
    folder = files({"bomb.gz": gzip.compress((LINE + b" " * (1 << 20)) * 150, 9), "good.txt": LINE})

    assert kinds(expdiag.load(folder))["bomb"] == "bomb.gz!bomb"


def test_a_bomb_inside_a_tar_ends_that_archive_only(files) -> None:
    folder = files({"bomb.tgz": gzip.compress(tarred(("a", LINE + b" " * (150 << 20)), ("b", LINE)), 9), "x": LINE})

    case = expdiag.load(folder)

    assert {issue.file for issue in case.all_issues if issue.kind == "bomb"} == {"bomb.tgz", "bomb.tgz!a"}
    assert "x" in {case.sources[row.source].file for row in case.dossier.rows["settings"]}


def test_a_bomb_by_depth_is_refused(files) -> None:
    content = LINE
    for level in range(8):
        content = zipped({f"{level}.zip": content})

    assert "too-deep" in kinds(expdiag.load(files({"b.zip": content, "good.txt": LINE})))


def test_a_bomb_by_count_is_refused(files) -> None:
    case = expdiag.load(files({"b.zip": zipped({f"{n}": b"" for n in range(20_010)}), "good.txt": LINE}))

    assert kinds(case)["bomb"] == "b.zip"


def test_symbolic_links_and_pipes_in_a_folder_are_not_followed(files) -> None:
    folder = files({"x.txt": LINE})
    (folder / "loop").symlink_to(folder)
    (folder / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)

    case = expdiag.load(folder)

    assert {(issue.kind, issue.file) for issue in case.all_issues} >= {
        ("link", "loop"),
        ("link", "passwd"),
        ("special-file", "pipe"),
    }


def test_the_order_of_the_paths_only_orders_the_rows(tmp_path: Path) -> None:
    for peer in CLUSTER.peers:
        (tmp_path / f"{peer.host_name}.tar.gz").write_bytes(tar_gz(bundle(peer, CLUSTER), AS_OF))
    paths = sorted(tmp_path.iterdir())

    said = {
        tuple((f.requirement.number, f.subject.peers, f.outcome, f.verdict.reason) for f in expdiag.check(case))
        for case in (expdiag.load(*paths), expdiag.load(*reversed(paths)))
    }

    assert len(said) == 1


def test_a_case_may_be_one_archive(tmp_path: Path) -> None:
    members = {f"case/{p.host_name}.tar.gz": tar_gz(bundle(p, CLUSTER), AS_OF) for p in CLUSTER.peers}
    members["case/case.toml"] = b'[case]\nname = "whole"\n'
    members["case/probes/e1/p.txt"] = b"PING 10.0.1.12 (10.0.1.12) 56(84) bytes of data.\n"
    (tmp_path / "case.zip").write_bytes(zipped(members))

    case = expdiag.load(tmp_path / "case.zip")

    assert case.name == "whole"
    assert [peer.name for peer in case.cluster.peers] == ["e1", "e2", "e3"]
    assert case.dossier.rows["round_trips"][0].vantage == "e1"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NothingReadableError):
        expdiag.load(tmp_path / "nowhere")
