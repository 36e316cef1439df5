"""The command line as a whole process: exit statuses, streams, and what loads when."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case
from tests.conftest import CASES, ROOT, run
from tests.traffic import write_large


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["check", CASES / "healthy-e"], 0),
        (["check", CASES / "troubled-e"], 1),
        (["check", CASES / "healthy-e", "--strict"], 0),
        (["check", next((CASES / "healthy-e").glob("*_e1_*.tar.gz")), "--strict"], 4),
        (["check", CASES / "troubled-e", "--strict"], 1),
        (["check", CASES / "healthy-e", "--rule", "R07", "--strict"], 0),
        (["check", CASES / "troubled-e", "--rule", "R01"], 0),
        (["check", CASES / "troubled-e", "--rule", "certificate-san-has-peer-fqdn"], 0),
        (["check"], 2),
        (["check", CASES / "healthy-e", "--rule", "R99"], 2),
        (["check", CASES / "healthy-e", "--format", "pdf"], 2),
        (["check", CASES / "healthy-e", "--output", "/no/such/folder/x"], 2),
        (["nonsense"], 2),
        (["check", ROOT / "nowhere"], 3),
        (["tables", ROOT / "nowhere"], 3),
        (["tables", CASES / "healthy-e", "--table", "round-trips"], 2),
        (["rules", "no-such-rule"], 2),
        (["rules"], 0),
        (["tables", CASES / "healthy-e"], 0),
    ],
)
def test_exit_statuses(arguments: list[object], status: int) -> None:
    done = run(*arguments)

    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_an_unusable_case_file_still_gives_valid_json(tmp_path) -> None:
    write_case(healthy(), tmp_path / "c")
    (tmp_path / "c" / "case.toml").write_text("[clusters]\n")

    done = run("check", tmp_path / "c", "--format", "json")

    assert done.returncode == 2
    assert json.loads(done.stdout)["issues"][0]["file"] == "case.toml"


def test_a_crashing_rule_exits_with_5() -> None:
    program = (
        "from dataclasses import replace; from expdiag.rules import engine; from expdiag.cli import main; import sys;"
        "engine.RULES['R26'] = replace(engine.RULES['R26'], judge=lambda *_: 1 / 0);"
        f"sys.exit(main(['check', {str(CASES / 'troubled-e')!r}, '--format', 'json']))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 5
    said = json.loads(done.stdout)
    assert sum("crashed" in f["reason"] for f in said["findings"]) == 3
    assert said["counts"]["violation"] > 5


def test_a_wrong_rule_names_the_nearest() -> None:
    assert "'h323-mode-on'" in run("check", CASES / "healthy-e", "--rule", "h323-mode").stderr


def test_chosen_rules_are_the_only_ones_in_the_output() -> None:
    done = run("check", CASES / "healthy-e", "--rule", "R07", "--rule", "h323-mode-on", "--format", "json")

    assert {f["requirement"] for f in json.loads(done.stdout)["findings"]} == {"R07", "R26"}


def test_data_goes_to_standard_output_and_all_else_to_standard_error(tmp_path) -> None:
    done = run("check", CASES / "healthy-e", "--format", "html", "--output", tmp_path / "r.html")

    assert done.stdout == ""
    assert "r.html" in done.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").lstrip().startswith("<!DOCTYPE html>")


def test_a_piped_table_has_no_colour() -> None:
    assert "\x1b" not in run("check", CASES / "troubled-e").stdout


def test_several_paths_are_one_case(tmp_path) -> None:
    write_case(healthy(), tmp_path / "a")
    parts = sorted((tmp_path / "a").glob("*.tar.gz"))

    done = run("check", *parts, tmp_path / "a" / "probes", "--format", "json")

    assert [peer["peer"] for peer in json.loads(done.stdout)["peers"]] == ["e1", "e2", "e3"]


def test_every_command_has_help() -> None:
    for command in ("check", "tables", "rules"):
        assert run(command, "--help").returncode == 0


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m expdiag rules | head -1", shell=True, capture_output=True, text=True, check=False
    )

    assert "Error" not in done.stderr


HEAVY = ("matplotlib", "IPython", "jupyterlab", "networkx", "pandas", "rich", "jinja2", "cryptography", "dns", "numpy")


def test_a_case_with_a_capture_is_judged_without_pandas(tmp_path: Path) -> None:
    write_large(tmp_path / "x.pcap", 1)
    program = f"from expdiag import cli; cli.main(['check', {str(CASES / 'troubled-e')!r}, {str(tmp_path)!r}"
    program += f", '--format', 'json']); import sys; print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert {"numpy"} <= set(eval(done.stderr.strip().splitlines()[-1])) <= {"cryptography", "dns", "numpy"}


@pytest.mark.parametrize(
    ("program", "allowed"),
    [
        ("import expdiag", set()),
        ("from expdiag import cli; cli.main(['rules', 'R07'])", set()),
        (
            f"from expdiag import cli; cli.main(['check', {str(CASES / 'healthy-e')!r}, '--format', 'json'])",
            {"cryptography", "dns"},
        ),
        (
            f"from expdiag import cli; cli.main(['check', {str(CASES / 'healthy-e')!r}])",
            {"cryptography", "dns", "rich"},
        ),
    ],
)
def test_heavy_libraries_are_loaded_only_where_they_are_needed(program: str, allowed: set[str]) -> None:
    program += f"; import sys; print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert set(eval(done.stderr.strip().splitlines()[-1])) <= allowed


@pytest.mark.parametrize(
    ("name", "begins"),
    [("g.png", b"\x89PNG"), ("g.svg", b"<svg"), ("g.graphml", b"<?xml"), ("g.json", b"{")],
)
def test_the_graph_is_written_in_the_format_of_its_name(tmp_path, name: str, begins: bytes) -> None:
    target = tmp_path / name
    done = run("graph", CASES / "troubled-e", "--output", target)
    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(begins)


def test_a_graph_of_an_unknown_format_or_of_nothing(tmp_path) -> None:
    assert run("graph", CASES / "troubled-e", "--output", tmp_path / "g.pdf").returncode == 2
    assert run("graph", tmp_path / "nowhere", "--output", tmp_path / "g.json").returncode == 3
    assert not (tmp_path / "g.json").exists()


def test_what_is_missing_as_text_and_json() -> None:
    text, rows = run("missing", CASES / "troubled-e"), run("missing", CASES / "troubled-e", "--format", "json")
    assert text.returncode == rows.returncode == 0
    assert isinstance(json.loads(rows.stdout), list)
    assert run("missing", ROOT / "nowhere", "--format", "json").stdout.strip() == "[]"
