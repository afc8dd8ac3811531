"""`results.json`: its schema as dataclasses, reading with validation, writing whole, and paired comparison of two."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from viseme.errors import InputError
from viseme.evaluation.bootstrap import Interval, interval
from viseme.evaluation.metrics import Better, gap
from viseme.files import write_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric over all scored clips: mean, 95 % interval, number of clips, truth's own mean, each actor's mean."""

    title: str
    unit: str
    better: Better
    digits: int
    mean: float
    low: float
    high: float
    n: int
    truth: float | None
    by_actor: dict[str, float]


@dataclass(frozen=True, slots=True)
class SetResult:
    """One number of all scored clips together, such as FID; it has no interval.

    Attributes:
        truth: truth's own, where it has one.
        n: samples of each side behind it: numbers of different n do not stand in one row.
        of: what these are.
    """

    title: str
    unit: str
    better: Better
    digits: int
    value: float
    truth: float | None
    n: int
    of: Literal["frames", "windows", "clips"]


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One clip of the reference split, scored or failed.

    Attributes:
        video: path relative to the results file, None where there is none.
        frames: frames scored.
        reason: why it failed, empty where scored.
        values, truth: metric -> the candidate's number and, where it has one, truth's.
        missing: metric -> why it could not be computed for this clip.
        curves: name -> one number a scored frame (`identity`: every fifth).
        undetected: scored frames without a detected face, of `candidate` and `truth`; empty where no metric looked.
        strip, thumbnail: PNG paths relative to the results file.
        emotion: as the corpus names it, empty where it names none.
    """

    clip_id: str
    actor: str
    video: str | None
    frames: int
    status: Literal["scored", "failed"]
    reason: str = ""
    values: dict[str, float] = field(default_factory=dict)
    truth: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    undetected: dict[str, int] = field(default_factory=dict)
    strip: str | None = None
    thumbnail: str | None = None
    emotion: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """Everything known about one system's videos against one reference.

    Attributes:
        system: what the videos' manifest says: name, model, control, leaking, size, ...
        reference: store name, fingerprint, split, actors.
        provenance: versions, machine, command, seed, time.
        counts: clips, scored, failed, frames, undetected {candidate, truth}.
        notes: one-line cautions a reader must see beside the numbers.
        metrics: by name, in table order.
        clips: every clip of the reference split, by clip_id.
        sets: numbers of all clips together, by name, in table order.
    """

    system: dict[str, Any]
    reference: dict[str, Any]
    provenance: dict[str, Any]
    counts: dict[str, Any]
    notes: list[str]
    metrics: dict[str, MetricResult]
    clips: list[ClipResult]
    sets: dict[str, SetResult] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def name(self) -> str:
        """The system's name."""
        return str(self.system.get("name", ""))

    @property
    def failed(self) -> list[ClipResult]:
        """The clips that could not be scored."""
        return [clip for clip in self.clips if clip.status == "failed"]


def save(results: Results, path: str | os.PathLike[str]) -> None:
    """Write a results file whole or not at all. Raises `OutputError`, and `ValueError` for NaN or infinity."""
    values = asdict(results)
    write_json(path, {"schema": values.pop("schema"), **values})


def load(path: str | os.PathLike[str]) -> Results:
    """Read a results file.

    Raises:
        InputError: no such file, not JSON, another schema, or a field missing or of the wrong kind, by its place.
    """
    name = Path(path).name
    value = read_json(path, "a results file that `viseme evaluate` wrote")
    if not isinstance(value, dict) or "schema" not in value or "metrics" not in value:
        raise InputError(f"{name}: is no results file; give one that `viseme evaluate` wrote")
    if value["schema"] != SCHEMA:
        raise InputError(
            f"{name}: is of schema {value['schema']!r}, this version reads {SCHEMA}; evaluate the videos again"
        )
    try:
        return TypeAdapter(Results).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{name}: {place}: {first['msg'].lower()}; evaluate the videos again"
        raise InputError(message) from error


def read_json(path: str | os.PathLike[str], what: str) -> Any:
    """The value of a JSON file without NaN or infinity. Raises `InputError`, saying to give `what` instead."""
    name = Path(path).name

    def refuse(constant: str) -> None:
        raise ValueError(f"holds {constant}")

    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give {what}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: is not readable JSON ({error}); give {what}") from error


def paired(a: Results, b: Results, metric: str, rng: np.random.Generator) -> Interval:
    """The interval of mean(a - b) over the clips that both scored.

    Raises `InputError` where the two were scored against different references or share no clip with this metric.
    """
    return _paired(a, b, metric, rng, lambda clip: clip.values.get(metric))


def paired_gap(a: Results, b: Results, metric: str, rng: np.random.Generator) -> Interval:
    """As `paired`, of each clip's distance from the best (`metrics.gap`): wholly below 0 where `a` is better.

    This is the comparison for metrics whose best is truth's value or zero. Raises `InputError` for a control too, which
    has no better or worse.
    """
    known = a.metrics.get(metric) or b.metrics.get(metric)
    better: Better = known.better if known else "none"

    def distance(clip: ClipResult) -> float | None:
        value = clip.values.get(metric)
        return None if value is None else gap(better, value, clip.truth.get(metric))

    return _paired(a, b, metric, rng, distance)


def _paired(
    a: Results, b: Results, metric: str, rng: np.random.Generator, number: Callable[[ClipResult], float | None]
) -> Interval:
    if a.reference.get("fingerprint") != b.reference.get("fingerprint"):
        raise InputError(
            f"{a.name} and {b.name} were scored against different references; evaluate both against one store"
        )
    theirs = {clip.clip_id: number(clip) for clip in b.clips}
    differences: list[float] = []
    actors: list[str] = []
    for clip in sorted(a.clips, key=lambda clip: clip.clip_id):
        mine, other = number(clip), theirs.get(clip.clip_id)
        if mine is not None and other is not None:
            differences.append(mine - other)
            actors.append(clip.actor)
    if not differences:
        raise InputError(f"{a.name} and {b.name} share no clip with {metric}; evaluate both with it")
    return interval(differences, actors, rng)
