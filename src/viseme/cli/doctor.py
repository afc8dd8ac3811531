"""`viseme doctor`: what this machine has of what viseme needs."""

from __future__ import annotations

from dataclasses import asdict

from viseme import api
from viseme.cli.output import Json, print_json, print_table


def doctor(as_json: Json = False) -> None:
    """Look at what this machine has and lacks."""
    machine = api.doctor()
    if as_json:
        print_json([asdict(finding) for finding in machine.findings])
        return
    print_table(("what", "found"), [(finding.name, finding.value) for finding in machine.findings])
    print()
    for finding in machine.lacks:
        print(f"lacking: {finding.name}: {finding.lack}")
    if not machine.lacks:
        print("nothing is lacking")
