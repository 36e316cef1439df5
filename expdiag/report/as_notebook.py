"""An executed notebook of any case, made of one template; as a notebook to go on with, or as a page to send."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import expdiag
from expdiag.errors import MissingLibraryError

TEMPLATE = Path(__file__).parent / "templates" / "case.ipynb"
_LIBRARIES = "papermill, nbconvert and ipykernel; get them with: pip install 'expdiag[notebooks]'"
# Scripts of the page are formulas and diagrams from the net, of which there are none; those of a case are escaped
_SCRIPT = re.compile(r"<script\b.*?</script>", re.S)
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:\">"
)


class NotebookError(Exception):
    """A cell of the notebook failed.

    Attributes:
        name: the name of the error.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        super().__init__(text)


def render(paths: Sequence[str | Path], folder: Path, *, page: bool, bar: bool = False) -> str:
    """Return the notebook of a case after its cells were run, as a page of HTML or as a notebook.

    Args:
        paths: the case.
        folder: where the notebook will lie; its paths start from there.
        page: whether it is HTML; that loads nothing from anywhere.
        bar: whether a bar on standard error shows how far it is.

    Raises:
        MissingLibraryError: what runs notebooks is not installed.
        NotebookError: a cell failed, as where nothing in the case is readable.
    """
    notebook = _executed([_from(folder, path) for path in paths], folder, bar=bar)
    return _as_page(notebook) if page else _as_text(notebook)


def _executed(paths: list[str], folder: Path, *, bar: bool) -> Any:
    try:
        import nbconvert  # noqa: F401  asked for now, and not after minutes of reading
        import papermill
        from papermill.exceptions import PapermillExecutionError
    except ImportError as error:
        raise MissingLibraryError(f"notebooks need {_LIBRARIES}") from error
    with TemporaryDirectory() as scratch, _surroundings():
        try:
            notebook = papermill.execute_notebook(
                TEMPLATE,
                Path(scratch) / "case.ipynb",
                parameters={"paths": paths},
                cwd=folder,
                kernel_name="python3",
                progress_bar=bar,
                extra_arguments=["--Application.log_level=50"],
            )
        except PapermillExecutionError as error:
            raise NotebookError(error.ename, error.evalue) from None
    return _tidy(notebook)


def _from(folder: Path, path: str | Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return str(Path(path).resolve())


@contextmanager
def _surroundings() -> Iterator[None]:
    """Have a kernel import this very package, and keep progress out of the outputs of cells."""
    before = dict(os.environ)
    roots = (str(Path(expdiag.__file__).parent.parent), before.get("PYTHONPATH", ""))
    os.environ |= {"EXPDIAG_PROGRESS": "off", "PYTHONPATH": os.pathsep.join(filter(None, roots))}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tidy(notebook: Any) -> Any:
    """Take out what differs between runs and machines: times, paths of the template, versions of Python."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells = [cell for cell in notebook.cells if "parameters" not in cell.metadata.get("tags", ())]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    return notebook


def _as_text(notebook: Any) -> str:
    import nbformat

    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def _as_page(notebook: Any) -> str:
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(embed_images=True, exclude_input_prompt=True, exclude_output_prompt=True)  # type: ignore[no-untyped-call]
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": "Expressway case"}})
    return _SCRIPT.sub("", page).replace("<head>", f"<head>{_POLICY}", 1)
