"""`python -m expdiag`."""

from expdiag.cli import entry_point

entry_point()
