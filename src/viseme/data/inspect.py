"""What a store holds: counts, rejects with their reasons, and a contact sheet with the landmarks drawn in."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from viseme.data.quality import MEASURES, Measure
from viseme.data.store import OK, ClipRow, Store
from viseme.errors import ConfigError, OutputError
from viseme.files import written_aside
from viseme.types import Float32, UInt8

LEAST_CELL = 192
"""Pixels: smaller frames are enlarged on a contact sheet, so that landmarks can be told apart."""

_CAPTION, _MARGIN = 18, 2
_PAPER, _INK = 255, 0
_DOT = (0, 255, 0)


@dataclass(frozen=True, slots=True)
class SplitCount:
    """Accepted clips of one split.

    Attributes:
        split: `train`, `val`, `test` or `seen`.
        actors: who speaks in it, sorted.
        clips: how many.
        frames: how many at 25 a second.
    """

    split: str
    actors: tuple[str, ...]
    clips: int
    frames: int


@dataclass(frozen=True, slots=True)
class ActorCount:
    """Clips of one actor.

    Attributes:
        actor: who speaks.
        clips: accepted clips by split, in the order of `StoreSummary.splits`, splits without one left out.
        frames: of the accepted clips.
        rejected: clips that could not serve.
        found: share of the accepted frames in which the face was found.
    """

    actor: str
    clips: dict[str, int]
    frames: int
    rejected: int
    found: float


@dataclass(frozen=True, slots=True)
class Reject:
    """A source clip that is not in the store, and why."""

    clip_id: str
    actor: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Spread:
    """A measure of `viseme.data.quality` over the accepted clips that have it.

    Attributes:
        measure: a column of the manifest.
        unit: px, dBFS, or empty.
        clips: how many have it; those of an older store have none but `found`.
        least: its smallest value.
        median: its middle value.
        most: its greatest value.
        worst: clip_id of the one to look at first.
    """

    measure: str
    unit: str
    clips: int
    least: float
    median: float
    most: float
    worst: str


@dataclass(frozen=True, slots=True)
class StoreSummary:
    """What a store is and holds.

    Attributes:
        path: where it lies.
        info: `store.json`: size, rates, alignment, detector, corpus, licence, seed and so on.
        fingerprint: sha256 by which results name it.
        accepted: clips.
        frames: of the accepted clips, at 25 a second.
        seconds: of the accepted clips.
        found: share of the accepted frames in which the face was found.
        splits: in the order train, val, seen, test.
        actors: sorted by name.
        rejected: sorted by clip_id.
        quality: a spread for each measure that any clip has.
    """

    path: str
    info: dict[str, Any]
    fingerprint: str
    accepted: int
    frames: int
    seconds: float
    found: float
    splits: tuple[SplitCount, ...]
    actors: tuple[ActorCount, ...]
    rejected: tuple[Reject, ...]
    quality: tuple[Spread, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts, lists, strings and finite numbers, as JSON takes them."""
        return dataclasses.asdict(self)


def describe(store: Store) -> StoreSummary:
    """Count what a store holds, by split and by actor, and list what was rejected."""
    accepted = store.clips()
    order = sorted({row.split for row in accepted}, key=_split_order)
    frames = sum(row.frames for row in accepted)
    by_actor: dict[str, list[ClipRow]] = defaultdict(list)
    for row in store.rows:
        by_actor[row.actor].append(row)
    return StoreSummary(
        path=str(store.path),
        info=dataclasses.asdict(store.info),
        fingerprint=store.fingerprint,
        accepted=len(accepted),
        frames=frames,
        seconds=frames / store.info.fps,
        found=_found(accepted),
        splits=tuple(_split_count(split, store) for split in order),
        actors=tuple(_actor_count(actor, by_actor[actor], order) for actor in sorted(by_actor)),
        rejected=tuple(Reject(r.clip_id, r.actor, r.source, r.reason) for r in store.rows if r.status != OK),
        quality=tuple(spread for measure in MEASURES if (spread := _spread_of(measure, accepted)) is not None),
    )


def contact_sheet(store: Store, columns: int = 6, rows: int = 8) -> UInt8:
    """A picture of a store: a clip a row, frames evenly spaced from first to last, the 68 landmarks as dots.

    The clips are spread evenly over the accepted ones by actor, so that with enough rows every actor is seen. Above
    each stands its clip_id, actor, split, length and the share of frames in which the face was found.

    Args:
        store: opened store.
        columns: frames of a clip; a shorter clip has fewer.
        rows: clips; a smaller store has fewer.

    Returns:
        uint8 `[H,W,3]` RGB.

    Raises:
        ConfigError: no column or no row is asked for.
    """
    if columns < 1 or rows < 1:
        raise ConfigError(f"contact sheet of {columns} columns and {rows} rows: give at least 1 of each")
    chosen = spread_over_actors(store.clips(), rows)
    scale = max(1, -(-LEAST_CELL // store.info.size))
    cell = store.info.size * scale
    height, width = cell + _CAPTION + _MARGIN, cell + _MARGIN
    sheet = np.full((max(1, len(chosen)) * height, columns * width, 3), _PAPER, dtype=np.uint8)
    for place, row in enumerate(chosen):
        strip = sheet[place * height : (place + 1) * height]
        _write(strip, f"{row.clip_id}  {row.actor}  {row.split}  {row.frames} frames  face in {row.found:.0%}")
        landmarks = store.landmarks(row.clip_id)
        for column, t in enumerate(evenly(row.frames, columns)):
            picture = _enlarged(store.frame(row.clip_id, t), scale)
            _dots(picture, landmarks[t], scale)
            strip[_CAPTION : _CAPTION + cell, column * width : column * width + cell] = picture
    return sheet


def save_contact_sheet(store: Store, path: str | os.PathLike[str], columns: int = 6, rows: int = 8) -> None:
    """Write `contact_sheet` as a PNG, whole or not at all.

    Raises:
        ConfigError: no column or no row is asked for.
        OutputError: the place cannot be written.
    """
    import cv2

    done, encoded = cv2.imencode(".png", contact_sheet(store, columns, rows)[..., ::-1])
    if not done:
        raise OutputError(f"{path}: the contact sheet cannot be made a PNG; ask for fewer rows or columns")
    with written_aside(path) as aside:
        aside.write_bytes(encoded.tobytes())


def _spread_of(measure: Measure, rows: list[ClipRow]) -> Spread | None:
    values = {row.clip_id: float(value) for row in rows if (value := getattr(row, measure.name)) is not None}
    if not values:
        return None
    low, middle, high = (round(float(q), measure.digits) for q in np.quantile(list(values.values()), (0, 0.5, 1)))
    worst = (min if measure.worst == "least" else max)(values, key=lambda clip_id: values[clip_id])
    return Spread(measure.name, measure.unit, len(values), low, middle, high, worst)


def _split_order(split: str) -> tuple[int, str]:
    known = ("train", "val", "seen", "test")
    return (known.index(split) if split in known else len(known), split)


def _split_count(split: str, store: Store) -> SplitCount:
    clips = store.clips(split)
    return SplitCount(split, tuple(store.actors(split)), len(clips), sum(row.frames for row in clips))


def _actor_count(actor: str, mine: list[ClipRow], splits: list[str]) -> ActorCount:
    accepted = [row for row in mine if row.status == OK]
    clips = Counter(row.split for row in accepted)
    return ActorCount(
        actor=actor,
        clips={split: clips[split] for split in splits if clips[split]},
        frames=sum(row.frames for row in accepted),
        rejected=len(mine) - len(accepted),
        found=_found(accepted),
    )


def _found(rows: list[ClipRow]) -> float:
    frames = sum(row.frames for row in rows)
    return sum(row.found * row.frames for row in rows) / frames if frames else 0.0


def spread_over_actors(clips: list[ClipRow], count: int) -> list[ClipRow]:
    """At most `count` clips: one of each actor before a second of any, then sorted by actor."""
    turn: Counter[str] = Counter()
    ranked = []
    for row in clips:
        ranked.append((turn[row.actor], row.actor, row.clip_id, row))
        turn[row.actor] += 1
    ranked.sort(key=lambda entry: entry[:3])
    first_round = len(turn)
    if count < first_round:
        ranked = [ranked[index] for index in evenly(first_round, count)]
    return sorted((entry[3] for entry in ranked[:count]), key=lambda row: (row.actor, row.clip_id))


def evenly(total: int, count: int) -> list[int]:
    """At most `count` different indices below `total`, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, total - 1, min(count, total)).tolist()})


def _enlarged(frame: UInt8, scale: int) -> UInt8:
    import cv2

    if scale == 1:
        return frame
    larger = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(larger, dtype=np.uint8)


def _dots(picture: UInt8, landmarks: Float32, scale: int) -> None:
    """Draw points given in pixels of the frame before it was enlarged, whole numbers at pixel centres."""
    import cv2

    shift = 4  # OpenCV takes coordinates in 1/16 pixel
    for x, y in ((landmarks + 0.5) * scale - 0.5).tolist():
        centre = (round(x * (1 << shift)), round(y * (1 << shift)))
        cv2.circle(picture, centre, 1 << shift, _DOT, cv2.FILLED, cv2.LINE_AA, shift)


def _write(strip: UInt8, text: str) -> None:
    """Write a caption on the upper edge; OpenCV's letters are ASCII only."""
    import cv2

    ascii_text = text.encode("ascii", "replace").decode()
    ink = (_INK, _INK, _INK)
    caption = np.ascontiguousarray(strip[:_CAPTION])
    cv2.putText(caption, ascii_text, (2, _CAPTION - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)
    strip[:_CAPTION] = caption
