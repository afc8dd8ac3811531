"""Is a store whole? Every shard is read, and what it holds is held against the manifest, row by row.

The bits of a picture or a sound can only be vouched for by a list of SHA-256 (`viseme.data.sums`), written while the
store was known to be good.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from viseme.data.manifest import MANIFEST, OK, REJECTED, ClipRow, is_safe_id, read_manifest
from viseme.data.mirror import INFO, fetched, is_remote, origin, store_folder
from viseme.data.shards import AUDIO, FRAMES, LANDMARKS, Shard, open_shard, shard_path, tensor_name
from viseme.data.split import SPLITS, divided_actors
from viseme.data.store import read_info
from viseme.data.sums import SUMS, read_sums, write_sums
from viseme.errors import StoreError
from viseme.files import sha256
from viseme.progress import progress
from viseme.types import SAMPLES_PER_FRAME

_KINDS = {
    "int": int,
    "float": float,
    "str": str,
    "tuple[float, ...]": tuple,
    "int | None": int | None,
    "float | None": float | None,
}
_FIELDS = {field.name: _KINDS[str(field.type)] for field in dataclasses.fields(ClipRow)}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a file of the store, a clip, or an actor."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found.

    Attributes:
        clips: accepted, by the manifest.
        rejected: clips, by the manifest.
        frames: of the accepted clips.
        shards: that were read.
        bytes: of those shards.
        sums: SHA-256 of the settings, the manifest and the shards, by path below the store.
        compared: files whose SHA-256 stood in the store's list and were compared with that.
        faults: settings first, then rows, actors, shards.
    """

    clips: int
    rejected: int
    frames: int
    shards: int
    bytes: int
    sums: Mapping[str, str]
    compared: int
    faults: tuple[Fault, ...]


def verify(store: str | os.PathLike[str], *, sums: bool = False) -> Verification:
    """Read a whole store and name all its faults.

    Args:
        store: a folder or a URL, of which everything is then fetched.
        sums: write the list of SHA-256 where there is not a single fault.

    Raises:
        StoreError: no store, or settings or a manifest that cannot be read at all; sums for a URL.
        OutputError: the list, or what is fetched, cannot be written.
    """
    folder = store_folder(store)
    if sums and is_remote(store):
        raise StoreError(f"{store}: {SUMS} is written into folders; verify the store where it lies, then copy it")
    info, rows, known = read_info(folder), read_manifest(folder), read_sums(folder)
    faults = [*_info_faults(info.size, info.fps, info.rate), *_rows_faults(rows)]
    by_shard: dict[int, list[ClipRow]] = defaultdict(list)
    for row in (row for row in rows if _row_fault(row) is None):
        by_shard[row.shard].append(row)
    made = {name: sha256(folder / name) for name in (INFO, MANIFEST)}
    held = 0
    with progress("verify", len(by_shard), "shards") as advance:
        for number in sorted(by_shard):
            path = shard_path(folder, number)
            name = path.relative_to(folder).as_posix()
            try:
                shard = open_shard(fetched(folder, number))
                made[name] = sha256(path)
                held += path.stat().st_size
                faults += [Fault(name, what) for what in _shard_faults(shard, by_shard[number], info.size)]
            except (StoreError, OSError) as error:
                faults.append(Fault(name, str(error).removeprefix(f"{path}: ")))
            advance(1)
    if origin(folder) is None:
        faults += _strangers(folder, by_shard)
    compared = sorted(set(made) & set(known))
    faults += [Fault(name, f"is not the file that {SUMS} tells") for name in compared if made[name] != known[name]]
    faults += [Fault(name, f"is not in {SUMS}") for name in sorted(set(made) - set(known)) if known]
    if sums and not faults:
        write_sums(folder, made)
    accepted = [row for row in rows if row.status == OK]
    return Verification(
        clips=len(accepted),
        rejected=len(rows) - len(accepted),
        frames=sum(row.frames or 0 for row in accepted),
        shards=len(made) - 2,
        bytes=held,
        sums=made,
        compared=len(compared),
        faults=tuple(faults),
    )


def tensor_faults(shard: Shard, row: ClipRow, size: int) -> Iterator[str]:
    """What is wrong with the tensors of an accepted clip whose frames have so many pixels a side."""
    count = row.frames
    expected: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        FRAMES: (np.uint8, (count, size, size, 3)),
        AUDIO: (np.int16, (SAMPLES_PER_FRAME * count,)),
        LANDMARKS: (np.float32, (count, 68, 2)),
    }
    held = set(shard)
    for kind, (dtype, shape) in expected.items():
        name = tensor_name(row.clip_id, kind)
        if name not in held:
            yield f"{name} is missing"
            continue
        tensor = shard.tensor(name)
        if tensor.dtype != dtype or tensor.shape != shape:
            was, wanted = (f"{np.dtype(d)} {list(s)}" for d, s in ((tensor.dtype, tensor.shape), (dtype, shape)))
            yield f"{name} is {was}, its row says {wanted}"
        elif kind == LANDMARKS and not np.isfinite(tensor).all():
            lost = np.flatnonzero(~np.isfinite(tensor).all(axis=(1, 2)))
            yield f"{name} is not finite in {len(lost)} of {count} frames, first in frame {lost[0]}"


def _info_faults(size: Any, fps: Any, rate: Any) -> Iterator[Fault]:
    for name, value in (("size", size), ("fps", fps), ("rate", rate)):
        if not isinstance(value, int) or value < 1:
            yield Fault(INFO, f"{name} is {value!r}, no whole number above 0")


def _rows_faults(rows: Sequence[ClipRow]) -> Iterator[Fault]:
    for row in rows:
        if (what := _row_fault(row)) is not None:
            yield Fault(f"{MANIFEST}, clip {row.clip_id}", what)
    for clip_id, count in sorted(Counter(str(row.clip_id) for row in rows).items()):
        if count > 1:
            yield Fault(f"{MANIFEST}, clip {clip_id}", f"stands there {count} times")
    pairs = ((str(row.actor), str(row.split)) for row in rows if row.status == OK)
    for actor, splits in divided_actors(pairs).items():
        yield Fault(f"actor {actor}", f"stands in {' and in '.join(splits)}: what is held out has been trained on")


def _row_fault(row: ClipRow) -> str | None:
    """The first thing that cannot be true of a row."""
    for name, kind in _FIELDS.items():
        if not isinstance(getattr(row, name), kind):
            return f"{name} is {getattr(row, name)!r}"
    if not is_safe_id(row.clip_id):
        return "clip_id is no name for a file"
    if row.split not in SPLITS:
        return f"split is {row.split!r}; there are {', '.join(SPLITS)}"
    if row.shard < 0:
        return f"shard is {row.shard}"
    if row.status not in (OK, REJECTED):
        return f"status is {row.status!r}"
    if row.status == REJECTED:
        return None if row.frames == 0 else f"was rejected and has {row.frames} frames"
    if row.frames < 1:
        return f"was accepted and has {row.frames} frames"
    if len(row.crop) != 6 or not all(isinstance(number, float) and math.isfinite(number) for number in row.crop):
        return f"crop is {list(row.crop)}, no 2x3 transform"
    return None


def _shard_faults(shard: Shard, rows: Sequence[ClipRow], size: int) -> Iterator[str]:
    accepted = [row for row in rows if row.status == OK]
    for row in accepted:
        yield from tensor_faults(shard, row, size)
    named = {tensor_name(row.clip_id, kind) for row in accepted for kind in (FRAMES, AUDIO, LANDMARKS)}
    yield from (f"{name} belongs to no accepted clip of the manifest" for name in sorted(set(shard) - named))
    said = shard.rows if isinstance(shard.rows, list) else []
    own = {str(row.get("clip_id")): row for row in said if isinstance(row, dict)}
    told = {row.clip_id: json.loads(json.dumps(dataclasses.asdict(row))) for row in rows}
    for clip_id in sorted(own.keys() | told.keys()):
        if own.get(clip_id) != told.get(clip_id):
            yield f"its own row of {clip_id} is not that of the manifest"


def _strangers(folder: Path, numbers: Mapping[int, object]) -> Iterator[Fault]:
    """Files that are no shard of the manifest; what a stopped prepare left aside begins with a dot."""
    expected = {shard_path(folder, number).name for number in numbers}
    for path in sorted((folder / "shards").glob("*")):
        if path.name not in expected and not path.name.startswith("."):
            yield Fault(f"shards/{path.name}", "is no shard of the manifest")
