"""How the clips of a store are spread: what the corpus knows by split, values of each measure, reasons of rejects."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from viseme.data.inspect import Reject
from viseme.data.manifest import ClipRow
from viseme.data.quality import MEASURES
from viseme.types import FPS

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_VARIES = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Count:
    """Accepted clips that have one value in a column of the manifest.

    Attributes:
        value: of the column; empty where the corpus does not know.
        clips: by split, splits without one left out.
        frames: at 25 a second.
    """

    value: str
    clips: dict[str, int]
    frames: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """A measure over the accepted clips that have it.

    Attributes:
        measure: its name.
        unit: s, px, dBFS, %, or empty.
        digits: behind the point.
        values: float64 `[N]`, N at least 1, finite.
        least: below which clips are rejected, or None.
        most: beyond which clips are rejected, or None.
        worst: clip_id of the one to look at first.
        value: what that one has.
    """

    measure: str
    unit: str
    digits: int
    values: NDArray[np.float64]
    least: float | None
    most: float | None
    worst: str
    value: float


@dataclass(frozen=True, slots=True)
class Group:
    """Rejects of one reason.

    Attributes:
        reason: without the file's name; numbers that are not the same for all stand as an ellipsis.
        clips: each reject, with its own reason where the numbers differ, else with an empty one.
    """

    reason: str
    clips: tuple[tuple[Reject, str], ...]


def counts(rows: Sequence[ClipRow], column: str) -> tuple[Count, ...]:
    """Accepted rows by the value of `emotion` or `sentence`, the most frequent first; none where no row knows it."""
    clips: dict[str, Counter[str]] = defaultdict(Counter)
    frames: Counter[str] = Counter()
    for row in rows:
        value = getattr(row, column) or ""
        clips[value][row.split] += 1
        frames[value] += row.frames
    if not any(clips):
        return ()
    order = sorted(clips, key=lambda value: (-clips[value].total(), value))
    return tuple(Count(value, dict(clips[value]), frames[value]) for value in order)


def distributions(rows: Sequence[ClipRow], limits: Mapping[str, float]) -> tuple[Distribution, ...]:
    """Length and every measure of `viseme.data.quality` of accepted rows, as far as any row has it.

    The jitter is given in per cent of the face's width, as its limit is.

    Args:
        rows: accepted ones.
        limits: of the store, as `viseme.data.prepare_clip.Limits` names them; one that is absent or no number is none.
    """
    low, high = _limit(limits, "frames", 1 / FPS), _limit(limits, "seconds")
    made = [_distribution(rows, "length", "s", 2, "least", low, high, lambda row: row.frames / FPS)]
    for one in MEASURES:
        if one.name == "jitter":
            most = _limit(limits, one.name, 100)
            made.append(_distribution(rows, one.name, "% of face_width", 2, one.worst, None, most, _trembling))
            continue
        limit = _limit(limits, one.name)
        least, most = (limit, None) if one.worst == "least" else (None, limit)
        read = operator.attrgetter(one.name)
        made.append(_distribution(rows, one.name, one.unit, one.digits, one.worst, least, most, read))
    return tuple(one for one in made if one is not None)


def by_reason(rejected: Sequence[Reject]) -> tuple[Group, ...]:
    """Rejects by their reason, whatever the numbers in it; the most frequent reason first."""
    alike: dict[str, list[tuple[Reject, str]]] = defaultdict(list)
    for reject in rejected:
        reason = bare_reason(reject)
        alike[_NUMBER.sub("0", reason)].append((reject, reason))
    groups = []
    for entries in alike.values():
        common = _common([reason for _, reason in entries])
        groups.append(Group(common, tuple((one, "" if reason == common else reason) for one, reason in entries)))
    return tuple(sorted(groups, key=lambda group: (-len(group.clips), group.reason)))


def bare_reason(reject: Reject) -> str:
    """The reason without the name of the file that it begins with, the video or the sound beside it."""
    reason, source = reject.reason or "", reject.source or ""
    if source and reason.startswith(f"{source}: "):
        return reason.removeprefix(f"{source}: ")
    file, colon, rest = reason.partition(": ")
    stem = PurePosixPath(source).stem
    return (rest if colon and stem and stem in file else reason) or "no reason was recorded"


def _common(reasons: Sequence[str]) -> str:
    """One text for reasons that differ in numbers alone."""
    numbers = [_NUMBER.findall(reason) for reason in reasons]
    kept = iter([found[0] if len(set(found)) == 1 else _VARIES for found in zip(*numbers, strict=True)])
    return _NUMBER.sub(lambda _: next(kept), reasons[0])


def _distribution(
    rows: Sequence[ClipRow],
    measure: str,
    unit: str,
    digits: int,
    worst: str,
    least: float | None,
    most: float | None,
    read: Callable[[ClipRow], float | None],
) -> Distribution | None:
    had = {row.clip_id: value for row in rows if (value := read(row)) is not None and math.isfinite(value)}
    if not had:
        return None
    at = (min if worst == "least" else max)(had, key=lambda clip_id: had[clip_id])
    values = np.fromiter(had.values(), dtype=np.float64)
    return Distribution(measure, unit, digits, values, least, most, at, float(had[at]))


def _trembling(row: ClipRow) -> float | None:
    return 100 * row.jitter / row.face_width if row.jitter is not None and row.face_width else None


def _limit(limits: Mapping[str, float], name: str, factor: float = 1) -> float | None:
    limit = limits.get(name)
    return float(limit) * factor if isinstance(limit, (int, float)) and math.isfinite(limit) else None
