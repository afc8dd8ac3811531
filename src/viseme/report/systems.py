"""The systems of a report: results under the names the user gave, checked to rest on one reference, grouped by size."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from viseme.errors import InputError
from viseme.evaluation.results import ClipResult, MetricResult, Results, SetResult, load
from viseme.files import sha256
from viseme.report.wording import signature
from viseme.types import FPS

REENCODED = "reencoded"
"""The control that shows truth through the candidate's writer and size."""


@dataclass(frozen=True, slots=True)
class System:
    """One results file under the name it has in the report.

    Attributes:
        name: as the user gave it.
        results: what the file says.
        path: the file; videos and strips are found from its folder.
        checksum: its SHA-256.
        colour: name of the CSS variable and class that mark it in every figure.
    """

    name: str
    results: Results
    path: Path
    checksum: str
    colour: str

    @property
    def size(self) -> int | None:
        """Height and width of its frames, None where its manifest does not say."""
        size = self.results.system.get("size")
        return size if isinstance(size, int) else None

    @property
    def fps(self) -> float:
        """Frames a second that were scored; 25 where its results do not say."""
        rate = self.results.system.get("fps")
        return float(rate) if isinstance(rate, int | float) and rate > 0 else float(FPS)

    @property
    def control(self) -> str:
        """Which control it is (`frozen`, `reencoded`, `other clip's sound`, ...), empty for a system under test."""
        if named := self.results.system.get("control"):
            return str(named)
        return "other clip's sound" if self.shuffled else ""

    @property
    def shuffled(self) -> bool:
        """Whether it was driven by another clip's sound."""
        return self.results.system.get("shuffled_audio") is not None

    @property
    def leaking(self) -> bool:
        """Whether it was driven by truth's landmarks."""
        return bool(self.results.system.get("leaking"))

    @property
    def is_truth(self) -> bool:
        """Whether it shows truth itself, encoded again."""
        return self.results.system.get("control") == REENCODED and not self.shuffled

    @property
    def shows_truth(self) -> bool:
        """Whether its pictures are truth's, encoded again, blurred, or beside a shifted sound."""
        kind = str(self.results.system.get("control") or "").partition(":")[0]
        return kind in (REENCODED, "blurred", "shifted") and not self.shuffled

    @property
    def weights(self) -> str:
        """What tells one model from another: the checksum of its weights, else its own name."""
        return str(self.results.system.get("model_sha256") or self.results.name)

    @property
    def scored(self) -> dict[str, ClipResult]:
        """The clips that were scored, by clip_id."""
        return {clip.clip_id: clip for clip in self.results.clips if clip.status == "scored"}

    def file(self, relative: str) -> Path:
        """Where a file named in the results lies."""
        return self.path.parent / relative


def load_systems(results: Mapping[str, str | os.PathLike[str]]) -> list[System]:
    """The systems in the order given, which is the order of every table.

    Raises:
        InputError: none given, a name that is empty, a file that is no results file, or files of different references,
            frame rates or definitions of a metric.
    """
    if not results:
        raise InputError("nothing to compare; give at least one NAME=results.json")
    systems: list[System] = []
    tested = controls = 0
    for name, given in results.items():
        if not name.strip():
            raise InputError(f"{given}: has an empty name; give NAME=results.json")
        path = Path(given)
        system = System(name=name, results=load(path), path=path, checksum=sha256(path), colour="truth")
        if system.control and not system.is_truth:
            system, controls = replace(system, colour=f"control{controls % 4}"), controls + 1
        elif not system.control:
            system, tested = replace(system, colour=f"system{tested % 6}"), tested + 1
        systems.append(system)
    _check_reference(systems)
    _check_rates(systems)
    _check_definitions(systems)
    return systems


def _check_reference(systems: Sequence[System]) -> None:
    first = systems[0]
    for key, say in (("fingerprint", "store"), ("split", "split")):
        wanted = str(first.results.reference.get(key))
        for other in systems[1:]:
            found = str(other.results.reference.get(key))
            if found != wanted:
                raise InputError(
                    f"{other.name}: was scored against another {say} ({signature(found)}) than {first.name} "
                    f"({signature(wanted)}); evaluate both against one reference"
                )


def _check_rates(systems: Sequence[System]) -> None:
    """Motion, sync and drift count frames: numbers of different rates have no common column."""
    first = systems[0]
    for other in systems[1:]:
        if other.fps != first.fps:
            raise InputError(
                f"{other.name}: was scored at {other.fps:g} frames a second and {first.name} at {first.fps:g}; "
                "evaluate both at one rate"
            )


def _check_definitions(systems: Sequence[System]) -> None:
    """One row holds numbers of one unit, with one best: what another version defined otherwise has no place in it."""
    defined: dict[str, tuple[str, str, str]] = {}
    for system in systems:
        measured: dict[str, MetricResult | SetResult] = {**system.results.metrics, **system.results.sets}
        for name, known in measured.items():
            by, unit, better = defined.setdefault(name, (system.name, known.unit, known.better))
            if (unit, better) != (known.unit, known.better):
                raise InputError(
                    f"{system.name}: {known.title} was measured in {known.unit or 'no unit'}, best {known.better}, "
                    f"and of {by} in {unit or 'no unit'}, best {better}: evaluate both with one version of viseme"
                )


@dataclass(frozen=True, slots=True)
class Group:
    """Systems whose frames are of one size, and so may stand in one table: those under test before the controls."""

    size: int | None
    systems: tuple[System, ...]

    @property
    def tested(self) -> list[System]:
        """The systems under test."""
        return [system for system in self.systems if not system.control]

    @property
    def controls(self) -> list[System]:
        """The controls, truth encoded again among them."""
        return [system for system in self.systems if system.control]

    @property
    def first(self) -> System:
        """What the others are compared with: the first system under test, the first of all where there is none."""
        return self.systems[0]

    @property
    def others(self) -> list[System]:
        """All but the first."""
        return list(self.systems[1:])

    @property
    def metrics(self) -> list[str]:
        """The metrics that any of the systems has, in the order of the results files."""
        return list(dict.fromkeys(name for system in self.systems for name in system.results.metrics))


def by_size(systems: Sequence[System]) -> list[Group]:
    """One group a size, in the order in which the sizes first appear among systems under test, then among controls."""
    ordered = sorted(systems, key=lambda system: bool(system.control))
    sizes = dict.fromkeys(system.size for system in ordered)
    return [Group(size, tuple(system for system in ordered if system.size == size)) for size in sizes]
