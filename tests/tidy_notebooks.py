"""Takes out of executed notebooks what differs between machines: times of cells, versions of Python, widget state."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def tidy(path: Path) -> None:
    """Rewrite one notebook in place."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        for output in cell.get("outputs", ()):
            output.pop("metadata", None) if output["output_type"] == "stream" else output.update(metadata={})
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        tidy(Path(name))
