"""Whether the systems of a report were measured alike: by one version, with the same measuring parts."""

from __future__ import annotations

from collections.abc import Sequence

from viseme.report.systems import System
from viseme.report.wording import listed, signature

PARTS = {"viseme": "viseme", "landmarks": "landmarks by", "opencv": "OpenCV"}
"""Fields of an evaluation's provenance that its numbers depend on, and how they are called."""


def unlike(systems: Sequence[System]) -> list[str]:
    """One line on what differs in how the systems were measured; none where nothing does.

    Networks are told apart by their weights, among the systems that were measured with them.
    """
    differing = []
    for key, called in PARTS.items():
        used = {system.name: str(system.results.provenance.get(key) or "unrecorded") for system in systems}
        differing += _differing(called, used)
    networks = [_weights(system) for system in systems]
    for network in dict.fromkeys(name for weights in networks for name in weights):
        pairs = zip(systems, networks, strict=True)
        used = {system.name: signature(weights[network], 8) for system, weights in pairs if network in weights}
        differing += _differing(network, used)
    if not differing:
        return []
    return [
        f"The systems were not measured alike: {'; '.join(differing)}. A metric may have been defined otherwise: "
        "evaluate the videos again with one version before you believe a difference."
    ]


def _weights(system: System) -> dict[str, str]:
    found = system.results.provenance.get("weights")
    return {str(name): str(checksum) for name, checksum in found.items()} if isinstance(found, dict) else {}


def _differing(called: str, used: dict[str, str]) -> list[str]:
    """`viseme 0.1.0 (a and b) and 0.2.0 (c)`; nothing where all used the same."""
    values = list(dict.fromkeys(used.values()))
    if len(values) < 2:
        return []
    said = [f"{value} ({listed([name for name, own in used.items() if own == value])})" for value in values]
    return [f"{called} {listed(said)}"]
