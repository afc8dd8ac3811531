"""The manifest of a store: a row for every clip of the corpus, accepted or not, as a Parquet table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from viseme.errors import StoreError
from viseme.files import written_aside

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.parquet"
OK, REJECTED = "ok", "rejected"
MEASURED = ("faces", "face_width", "jitter", "sharpness", "loudness", "clipping")
"""Columns that stores written before they were measured do not have."""
NEEDED = ("clip_id", "actor", "split", "frames", "shard", "status")
"""Columns by which clips are found; of the others `viseme store verify` says what they lack."""


@dataclass(frozen=True, slots=True)
class ClipRow:
    """What the manifest says of one source clip, accepted or not.

    Attributes:
        clip_id: unique in the store.
        actor: who speaks.
        sentence: as the corpus knows it, or empty; so `emotion` and `level`.
        split: `train`, `val`, `test` or `seen`.
        frames: T; 0 for a rejected clip.
        source: the video's path below the source folder, with forward slashes.
        sha256: of the source video, then of the sound file where it is separate, joined by `+`; empty if unreadable.
        crop: source pixels to aligned pixels, a `[2,3]` transform row by row; empty for a rejected clip.
        found: share of frames in which the face was found.
        shard: the number of the shard that holds the row, and the tensors of an accepted clip.
        status: `ok` or `rejected`.
        reason: why it was rejected, or empty.
        faces: as all that follow of `viseme.data.quality.Quality`; None for a rejected clip, and in older stores.
    """

    clip_id: str
    actor: str
    sentence: str
    emotion: str
    level: str
    split: str
    frames: int
    source: str
    sha256: str
    crop: tuple[float, ...]
    found: float
    shard: int
    status: str
    reason: str
    faces: int | None = None
    face_width: float | None = None
    jitter: float | None = None
    sharpness: float | None = None
    loudness: float | None = None
    clipping: float | None = None


def is_safe_id(clip_id: str) -> bool:
    """Whether a clip_id can be part of a file's name, as those that prepare gives can."""
    plain = clip_id.replace("_", "").replace("-", "").replace(".", "")
    return clip_id[:1] not in ("", ".", "-") and len(clip_id) <= 200 and all(letter.isalnum() for letter in plain)


def _schema(names: Iterable[str]) -> pa.Schema:
    """The types of these columns."""
    import pyarrow as pa

    types = {"frames": pa.int32(), "shard": pa.int32(), "found": pa.float64(), "crop": pa.list_(pa.float64())}
    types |= {name: pa.int32() if name == "faces" else pa.float64() for name in MEASURED}
    return pa.schema([(name, types.get(name, pa.string())) for name in names])


def write_manifest(store: Path, rows: list[ClipRow]) -> None:
    """Write `manifest.parquet`, rows sorted by clip_id; equal rows give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        field.name: [getattr(row, field.name) for row in sorted(rows, key=lambda row: row.clip_id)]
        for field in dataclasses.fields(ClipRow)
    }
    with written_aside(store / MANIFEST) as aside:
        pq.write_table(pa.table(columns, schema=_schema(columns)), aside)


def read_manifest(store: Path) -> list[ClipRow]:
    """The rows of `manifest.parquet`.

    Raises:
        StoreError: missing, since prepare did not finish, or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = store / MANIFEST
    if not path.is_file():
        raise StoreError(f"{store}: preparing it was not finished; run the same prepare again, it carries on")
    try:
        file = pq.ParquetFile(path)
        there = set(file.schema_arrow.names)
        names = [field.name for field in dataclasses.fields(ClipRow) if field.name in there]
        table = file.read(columns=names).select(names).cast(_schema(names))
        if any(table[name].null_count for name in NEEDED):
            raise TypeError("a row without what it is read by")
        columns = {name: column.to_pylist() for name, column in zip(names, table, strict=True)}
        columns["crop"] = [tuple(crop) for crop in columns["crop"]]
        return [ClipRow(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: damaged, not a manifest; remove it and run the same prepare again") from error
