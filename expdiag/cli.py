"""The command line: the only place that prints or exits."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import expdiag
from expdiag.errors import CaseFileError, ExpdiagError, NothingReadableError

if TYPE_CHECKING:
    from expdiag.case import Case
    from expdiag.findings import Findings
    from expdiag.report.painters import Painters

CLEAN, VIOLATED, USAGE, UNREADABLE, UNSETTLED, CRASHED = range(6)
_CHECK_FORMATS = ("table", "json", "junit", "sarif", "html", "markdown")
_GRAPH_FORMATS = (".png", ".svg", ".graphml", ".json")
_NOTEBOOK_FORMATS = (".ipynb", ".html")
_MISSING_FORMATS = ("text", "json")
_TABLE_FORMATS = ("csv", "json", "parquet")
_EPILOG = """exit status: 0 no violation of a must; 1 at least one; 2 usage; 3 nothing readable in the input;
4 with --strict: no violation but unknowns; 5 a rule crashed"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN
    except KeyboardInterrupt:
        print("expdiag: interrupted", file=sys.stderr)
        return 130
    except ExpdiagError as error:
        print(f"expdiag: {_shown(str(error))}", file=sys.stderr)
        return USAGE
    except Exception as error:  # a defect here must not look like a verdict
        print(f"expdiag: this is a defect of expdiag: {type(error).__name__}: {_shown(str(error))}", file=sys.stderr)
        return CRASHED
    return status


def entry_point() -> None:
    """Run the command line and exit."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="expdiag",
        description="Judges a Cisco Expressway cluster against Cisco's clustering requirements, with evidence.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"expdiag {expdiag.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="judge a case", epilog=_EPILOG)
    check.add_argument("case", nargs="+", metavar="CASE", help="case folder, archive, or several of them")
    check.add_argument("--format", choices=_CHECK_FORMATS, default="table", help="default: table")
    check.add_argument("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    check.add_argument("--rule", action="append", default=[], metavar="ID", help="judge only this rule; repeatable")
    check.add_argument("--strict", action="store_true", help="exit with 4 where only unknowns are left")
    check.set_defaults(run=_check)

    tables = commands.add_parser("tables", help="list the tables of a case, or print one")
    tables.add_argument("case", nargs="+", metavar="CASE")
    tables.add_argument("--table", metavar="NAME", help="print this table")
    tables.add_argument("--format", choices=_TABLE_FORMATS, default="csv", help="default: csv")
    tables.add_argument("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    tables.set_defaults(run=_tables)

    missing = commands.add_parser("missing", help="say what to ask the customer for, as instructions")
    missing.add_argument("case", nargs="+", metavar="CASE")
    missing.add_argument("--format", choices=_MISSING_FORMATS, default="text", help="default: text")
    missing.add_argument("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    missing.set_defaults(run=_missing)

    graph = commands.add_parser("graph", help="write the graph of the peers, or of the hops between them")
    graph.add_argument("case", nargs="+", metavar="CASE")
    graph.add_argument("--output", type=Path, metavar="FILE", required=True, help="ends in .png .svg .graphml .json")
    graph.add_argument("--hops", action="store_true", help="all traces merged instead of the peers")
    graph.set_defaults(run=_graph)

    notebook = commands.add_parser("notebook", help="make a notebook of a case and run it; as .html a page to send")
    notebook.add_argument("case", nargs="+", metavar="CASE")
    notebook.add_argument("--output", type=Path, metavar="FILE", help="ends in .ipynb or .html; default: CASE.ipynb")
    notebook.set_defaults(run=_notebook)

    rules = commands.add_parser("rules", help="list the catalogue of rules, or show one page of it")
    rules.add_argument("rule", nargs="?", metavar="ID", help="rule id or number, such as round-trip-delay or R07")
    rules.set_defaults(run=_rules)
    return parser


def _check(options: argparse.Namespace) -> int:
    from expdiag.report import painters

    with painters.ready() if options.format == "html" else nullcontext() as ready:
        return _judged(options, ready)


def _judged(options: argparse.Namespace, ready: Painters | None) -> int:
    from expdiag.rules import engine

    engine.select(options.rule)
    try:
        case = expdiag.load(*options.case)
    except (NothingReadableError, CaseFileError) as error:
        print(f"expdiag: {_shown(str(error))}", file=sys.stderr)
        _write(options, _render_nothing(options, error))
        return UNREADABLE if isinstance(error, NothingReadableError) else USAGE
    findings = engine.check(case, options.rule)
    for problem in findings.problems:
        print(f"expdiag: {_shown(problem)}", file=sys.stderr)
    _write(options, _render(options, case, findings, ready))
    return _status(findings, strict=options.strict)


def _status(findings: Findings, *, strict: bool) -> int:
    from expdiag.findings import UNKNOWN

    if findings.crashed:
        return CRASHED
    if any(finding.is_open_violation for finding in findings):
        return VIOLATED
    return UNSETTLED if strict and findings.of(UNKNOWN) else CLEAN


def _render(options: argparse.Namespace, case: Case, findings: Findings, ready: Painters | None) -> str:
    def table() -> str:
        from expdiag.report import as_table

        colour = options.output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        return as_table.render(findings, case.all_issues, colour=colour, width=width)

    def as_json() -> str:
        from expdiag.report import as_json

        return as_json.render(findings, case.all_issues)

    def html() -> str:
        from expdiag.report import as_html

        return as_html.render(case, findings, ready.drawings(case) if ready else None)

    def markdown() -> str:
        from expdiag.report import as_markdown

        return as_markdown.render(findings, case.all_issues)

    def junit() -> str:
        from expdiag.report import as_junit

        return as_junit.render(findings)

    def sarif() -> str:
        from expdiag.report import as_sarif
        from expdiag.rules import engine

        return as_sarif.render(findings, case.all_issues, engine.manuals())

    writers: dict[str, Callable[[], str]] = {
        "table": table,
        "json": as_json,
        "junit": junit,
        "sarif": sarif,
        "html": html,
        "markdown": markdown,
    }
    return writers[options.format]()


def _render_nothing(options: argparse.Namespace, error: NothingReadableError | CaseFileError) -> str:
    """Return a valid empty document for programs; people have read the message."""
    from expdiag.findings import Findings
    from expdiag.report import as_json, as_junit, as_sarif
    from expdiag.tables import Issue

    findings = Findings((), Path(options.case[0]).resolve().name, None, ())
    if isinstance(error, CaseFileError):
        issues: tuple[Issue, ...] = (Issue(error.file, None, "unusable", error.problem),)
    else:
        issues = error.issues
    if options.format == "junit":
        return as_junit.render(findings)
    if options.format == "sarif":
        return as_sarif.render(findings, issues, {})
    return as_json.render(findings, issues) if options.format == "json" else ""


def _tables(options: argparse.Namespace) -> int:
    try:
        case = expdiag.load(*options.case)
    except NothingReadableError as error:
        print(f"expdiag: {_shown(str(error))}", file=sys.stderr)
        if options.table and options.format == "json":
            print("[]")
        return UNREADABLE
    if options.table is None:
        from expdiag import tables

        for name in case.tables:
            purpose = (tables.TABLES[name].__doc__ or "").splitlines()[0]
            print(f"{name:22} {len(case.tables.rows(name)):>8} rows  {purpose}")
        return CLEAN
    from expdiag.report import export

    content = export.table(case.tables[options.table], options.format)
    _write(options, content)
    return CLEAN


def _missing(options: argparse.Namespace) -> int:
    from expdiag.report import as_request
    from expdiag.rules import engine

    try:
        case = expdiag.load(*options.case)
    except NothingReadableError as error:
        print(f"expdiag: {_shown(str(error))}", file=sys.stderr)
        if options.format == "json":
            print("[]")
        return UNREADABLE
    findings = engine.check(case)
    _write(options, as_request.as_json(findings) if options.format == "json" else as_request.text(findings))
    return CRASHED if findings.crashed else CLEAN


def _graph(options: argparse.Namespace) -> int:
    kind = options.output.suffix.lower()
    if kind not in _GRAPH_FORMATS:
        raise ExpdiagError(f"cannot write {options.output}: its name has to end in {' '.join(_GRAPH_FORMATS)}")
    try:
        case = expdiag.load(*options.case)
    except NothingReadableError as error:
        print(f"expdiag: {_shown(str(error))}", file=sys.stderr)
        return UNREADABLE
    _write(options, _drawn(case, kind, hops=options.hops))
    return CLEAN


def _drawn(case: Case, kind: str, *, hops: bool) -> str | bytes:
    if kind in (".graphml", ".json"):
        from expdiag.graphs import files

        graph = case.hop_graph() if hops else case.graph()
        return files.to_graphml(graph) if kind == ".graphml" else files.to_json(graph)
    from expdiag.show.peers import peer_graph

    picture = peer_graph(case)
    return picture.svg("Peer graph") if kind == ".svg" else picture.png()


def _notebook(options: argparse.Namespace) -> int:
    from expdiag.report import as_notebook

    if options.output is None:
        options.output = Path(f"{Path(options.case[0]).resolve().name}.ipynb")
    kind = options.output.suffix.lower()
    if kind not in _NOTEBOOK_FORMATS:
        raise ExpdiagError(f"cannot write {options.output}: its name has to end in {' '.join(_NOTEBOOK_FORMATS)}")
    folder = options.output.resolve().parent
    if not folder.is_dir():
        raise ExpdiagError(f"cannot write {options.output}: no such folder")
    try:
        content = as_notebook.render(options.case, folder, page=kind == ".html", bar=sys.stderr.isatty())
    except as_notebook.NotebookError as error:
        if error.name not in (NothingReadableError.__name__, CaseFileError.__name__):
            raise
        print(f"expdiag: {_shown(str(error))}", file=sys.stderr)
        return UNREADABLE if error.name == NothingReadableError.__name__ else USAGE
    _write(options, content)
    return CLEAN


def _rules(options: argparse.Namespace) -> int:
    from expdiag.rules import engine

    if options.rule is None:
        for requirement in engine.select(()):
            print(f"{requirement.number} {requirement.rule:38} {requirement.strength:7} {requirement.title}")
        return CLEAN
    (requirement,) = engine.select([options.rule])
    print(f"{requirement.number} {requirement.rule} ({requirement.strength}, judged for each {requirement.each})\n")
    print(engine.rule_for(requirement).manual)
    print(f"\nSource: {requirement.reference}")
    return CLEAN


def _write(options: argparse.Namespace, content: str | bytes) -> None:
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    if options.output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        options.output.write_bytes(data)
    except OSError as error:
        raise ExpdiagError(f"cannot write {options.output}: {error.strerror}") from error
    print(f"expdiag: wrote {options.output}", file=sys.stderr)


def _shown(text: str) -> str:
    from expdiag.safe import printable

    return printable(text)


if __name__ == "__main__":
    entry_point()
