"""Builds the lab, asks all probes, writes the case: `python -m tests.lab FOLDER`, started by `launch`."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.lab import exports, probes, services
from tests.lab.network import Network


def main(folder: Path) -> None:
    """Leave `case/`, what a customer would send, and `truth.json`, what routers and wires counted, in a folder."""
    started = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - started:5.1f} s  {text}", flush=True)

    keys, case = folder / "keys", folder / "case"
    for path in (keys, case):
        path.mkdir(parents=True)
    now = datetime.now(UTC).replace(microsecond=0)
    network = Network(keys)
    network.build()
    services.write_keys(keys, now)
    services.start(keys)
    captures = probes.Captures(keys)
    tell("up")
    with probes.prompt():
        codes = probes.ask(probes.round_trips(), case / "probes", keys)
        tell("round trips")
        codes |= probes.ask(probes.paths(), case / "probes", keys)
        codes |= probes.ask(probes.connections(), case / "probes", keys)
        tell("paths and connections")
    codes |= probes.ask([*probes.scans(), *probes.handshakes(), *probes.lookups()], case / "probes", keys)
    tell("ports, handshakes, names")
    codes |= probes.ask(probes.rulesets(), case / "probes", keys)
    captures.end()
    truth = network.end() | {"codes": codes, "seconds": time.monotonic() - started}
    exports.write_case(case, keys, now)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))
    tell("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
