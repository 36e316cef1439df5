"""Progress: told while reading, shown only where somebody watches, gone at the end; an interrupt leaves nothing."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import expdiag
from expdiag import progress
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import bundle, tar_gz, write_case
from tests.conftest import CASES, ROOT

LARGE = 64 << 20
HOSTILE = "\x1b[31m<script>[bold]x[/bold]"


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """Return a case of three archives that take seconds to read, the first one long enough to be inflated ahead."""
    folder = tmp_path_factory.mktemp("large") / "case"
    cluster = healthy()
    write_case(cluster, folder)
    for number, path in enumerate(sorted(folder.glob("*.tar.gz"))):
        chance = random.Random(number)
        line = "2026-05-01T12:00:{:02}.000+00:00 e1 tvcs: {}\n"
        noise = "".join(line.format(n % 60, chance.randbytes(400).hex()) for n in range(12_000 if number else 45_000))
        log = {f"e{number + 1}/log.txt": noise.encode()}
        path.write_bytes(tar_gz({**log, **bundle(cluster.peers[number], cluster)}, AS_OF))
    return folder


@pytest.mark.parametrize("workers", ["1", "2"])
def test_reading_tells_how_far_it_is(large: Path, workers: str, monkeypatch) -> None:
    monkeypatch.setenv("EXPDIAG_WORKERS", workers)
    told: list[tuple[int, int, str]] = []

    expdiag.load(large, progress=lambda *now: told.append(now))

    done, whole, names = zip(*told, strict=True)
    on_disk = sum(path.stat().st_size for path in large.rglob("*") if path.is_file())
    assert set(whole) == {on_disk}
    assert list(done) == sorted(done)
    assert 0 < done[-1] <= on_disk
    assert len({share for share in done if 0.1 < share / on_disk < 0.9}) >= 2  # three bundles
    assert any("log.txt" in name for name in names)


def test_a_small_case_is_never_shown(monkeypatch, capsys) -> None:
    monkeypatch.setattr(progress, "_where_watched", lambda: pytest.fail("somebody was looked for"))

    expdiag.check(expdiag.load(CASES / "healthy-e"))

    assert capsys.readouterr() == ("", "")


class Line:
    """Stands for a terminal; keeps what is drawn."""

    def __init__(self, what: str) -> None:
        self.drawn = [what]

    def draw(self, share: float, words: str) -> None:
        self.drawn.append(f"{share:.0%} {words}")

    def wipe(self) -> None:
        self.drawn.append("wiped")


def interrupted_work() -> None:
    with progress.shown("reading", LARGE) as tell:
        for done in range(1, 6):
            tell(done, 5, f"file {done}{HOSTILE}")
        raise KeyboardInterrupt


def test_only_what_takes_long_is_shown_and_it_is_wiped(monkeypatch) -> None:
    lines: list[Line] = []
    clock = iter([0.0, 0.1, 0.4, 0.6, 0.61, 0.8])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress, "_where_watched", lambda: lambda what: lines.append(Line(what)) or lines[-1])

    with pytest.raises(KeyboardInterrupt):
        interrupted_work()

    (line,) = lines
    assert [words.split()[0] for words in line.drawn] == ["reading", "60%", "100%", "wiped"]
    assert not any("\x1b" in words for words in line.drawn)


def test_nobody_watches_a_pipe_and_off_is_off(monkeypatch) -> None:
    monkeypatch.delenv("EXPDIAG_PROGRESS", raising=False)
    assert progress._where_watched() is None

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert progress._where_watched() is progress._Terminal

    monkeypatch.setenv("EXPDIAG_PROGRESS", "off")
    assert progress._where_watched() is None


def test_nothing_that_draws_is_loaded_where_nobody_watches(large: Path) -> None:
    program = (
        "import sys; from expdiag.cli import main; main(['check', sys.argv[1], '--format', 'json']); "
        "sys.exit(' '.join(sorted({'rich', 'IPython'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program, large], capture_output=True, text=True, check=False, cwd=ROOT)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_shows_it(large: Path) -> None:
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "expdiag", "check", large, "--format", "json"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "EXPDIAG_PROGRESS": "on"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    os.close(terminal)

    assert process.wait(60) == 0
    assert b"reading" in shown
    assert b"%" in shown
    assert shown.rstrip().endswith((b"\x1b[2K", b"\x1b[?25h"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("what", [".", "diagnostic_log_e1_2026-05-01_12_00_00.tar.gz"])
def test_an_interrupt_leaves_no_process_behind(large: Path, what: str) -> None:
    mark = f"mark-{os.getpid()}-{what}"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, large / what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "EXPDIAG_WORKERS": "2", "EXPDIAG_MARK": mark},
    )
    assert process.stdout.readline() == b"reading\n"
    until(lambda: len(marked(mark)) > 1)
    time.sleep(0.3)

    process.send_signal(signal.SIGINT)

    assert process.stdout.readline() == b"interrupted\n"
    until(lambda: marked(mark) == [process.pid])
    process.communicate()
    assert process.returncode == 0


INTERRUPTED = """
import expdiag, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a shell, whatever started the tests
print("reading", flush=True)
try:
    while True:
        expdiag.load(sys.argv[1])
except KeyboardInterrupt as error:
    kept = error  # as a notebook keeps the last one, with its frames
    print("interrupted", flush=True)
    sys.stdin.read()
"""


def until(holds) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def marked(mark: str) -> list[int]:
    """Return the processes that were started with a mark in their environment, or by one that was."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"EXPDIAG_MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


NOTEBOOK = """
import sys
from types import SimpleNamespace
import IPython
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput
shell = InteractiveShell.instance()
shell.kernel = object()
sent = []
shell.display_pub.publish = lambda data, metadata=None, **more: sent.append((data, more))
import expdiag
expdiag.load(sys.argv[1])
first, *middle, last = sent
assert not first[1].get("update") and all(more["update"] for _, more in sent[1:])
assert any("<progress" in data["text/html"] for data, _ in middle), sent
assert not any("<script" in data.get("text/html", "") for data, _ in sent)
assert last[0] == {"text/plain": "", "text/html": ""}, last
"""


def test_a_notebook_shows_it_in_place_and_empties_it(large: Path) -> None:
    pytest.importorskip("IPython", reason="IPython is not installed")
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, large],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "EXPDIAG_WORKERS": "1", "HOME": str(large)},
    )

    assert done.returncode == 0, done.stderr
