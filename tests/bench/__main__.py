"""Prints all tables."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import bundles, captures, commands, dumps, logs, reports


def main() -> None:
    """Print the tables; what they need is written to a temporary folder."""
    for bench in (commands, reports, dumps, logs, captures, bundles):
        with tempfile.TemporaryDirectory() as folder:
            bench.run(Path(folder))


if __name__ == "__main__":
    main()
