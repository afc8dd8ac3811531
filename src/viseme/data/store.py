"""A store on disk: `store.json`, `manifest.parquet` with a row a clip, and shards of tensors read by memory map.

Nothing in a store is ever unpickled. `Store` reads; `shards.py` knows the bytes of a shard; `prepare.py` writes.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from viseme.data.manifest import MANIFEST, MEASURED, OK, REJECTED, ClipRow, is_safe_id, read_manifest, write_manifest
from viseme.data.mirror import fetched, origin, store_folder
from viseme.data.shards import AUDIO, FRAMES, LANDMARKS, Shard, open_shard, shard_path, tensor_name
from viseme.errors import StoreError
from viseme.files import write_json
from viseme.types import FPS, SAMPLE_RATE, Clip, Float32, UInt8

__all__ = [
    "MANIFEST",
    "OK",
    "RATES",
    "REJECTED",
    "SCHEMA",
    "ClipRow",
    "Store",
    "StoreInfo",
    "read_info",
    "read_manifest",
    "shard_path",
    "write_info",
    "write_manifest",
]

SCHEMA = 1
"""Version of the layout; readers refuse any other."""
RATES = {"fps": FPS, "rate": SAMPLE_RATE}
"""What every store of this schema says of its clocks."""
OPEN_SHARDS = 512
"""At most so many stay mapped, those last read: each holds a file descriptor, of which a process often has 1024."""


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What holds for all clips of a store, as `store.json` keeps it.

    Attributes:
        schema: version of the layout.
        size: height and width of frames in pixels.
        fps: frames a second.
        rate: samples a second.
        align: `clip`, one transform a clip, or `frame`, one a frame.
        detector: name of the face backend.
        corpus: its name on the command line.
        licence: of the corpus.
        seed: of the split.
        test_actors: named to be held out; empty if they were drawn.
        val_actors: named to choose by; empty if they were drawn.
        limits: below or beyond which clips are rejected, by name.
        clips: how many source clips the corpus listed.
        listing: sha256 of their names and actors, by which a changed corpus is recognised.
        version: of viseme, when the store was begun.
        face: which of several faces was followed, `largest` or `central`.
    """

    schema: int
    size: int
    fps: int
    rate: int
    align: str
    detector: str
    corpus: str
    licence: str
    seed: int
    test_actors: tuple[str, ...]
    val_actors: tuple[str, ...]
    limits: dict[str, float]
    clips: int
    listing: str
    version: str
    face: str = "largest"


class Store:
    """A prepared corpus, open for reading. Thread safe; pickled as its path."""

    def __init__(self, path: Path, info: StoreInfo, rows: list[ClipRow]) -> None:
        """Use `Store.open`."""
        self.path = path
        self.info = info
        self.rows = rows
        """All rows, accepted and rejected, sorted by clip_id."""
        self._by_id = {row.clip_id: row for row in rows}
        self._shards: OrderedDict[int, Shard] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """Read `store.json` and the manifest; shards are mapped when first read.

        Args:
            path: a folder, or a URL, whose shards are fetched when first read (`viseme.data.mirror`); `path` of the
                store is then the mirror, a folder that can be opened like any other.

        Raises:
            StoreError: not a store, of another schema, unfinished, damaged, or out of reach.
            OutputError: the cache of what is fetched cannot be written.
        """
        folder = store_folder(path)
        info = read_info(folder)
        rows = read_manifest(folder)
        if odd := [row.clip_id for row in rows if not is_safe_id(row.clip_id)]:
            raise StoreError(f"{folder}: clip_id {odd[0][:80]!r} is no name for a file; prepare the store again")
        for number in sorted({row.shard for row in rows}) if origin(folder) is None else ():
            if not shard_path(folder, number).is_file():
                raise StoreError(f"{shard_path(folder, number)}: shard is missing; run the same prepare again")
        return cls(folder, info, rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return Store.open, (str(self.path.absolute()),)

    def clips(self, split: str | None = None) -> list[ClipRow]:
        """Accepted clips, of one split or of all, sorted by clip_id."""
        return [row for row in self.rows if row.status == OK and split in (None, row.split)]

    def actors(self, split: str | None = None) -> list[str]:
        """Actors with an accepted clip in the split, sorted."""
        return sorted({row.actor for row in self.clips(split)})

    def row(self, clip_id: str) -> ClipRow:
        """The row of an accepted clip.

        Raises:
            StoreError: unknown, or rejected.
        """
        row = self._by_id.get(clip_id)
        if row is None:
            raise StoreError(f"{self.path}: holds no clip {clip_id!r}; its manifest lists what it holds")
        if row.status != OK:
            raise StoreError(f"{self.path}: clip {clip_id!r} was rejected: {row.reason}")
        return row

    def frames(self, clip_id: str, start: int = 0, stop: int | None = None, size: int | None = None) -> UInt8:
        """Frames start to stop of a clip, uint8 `[t,h,w,3]`, copied out of the memory map.

        Indices follow Python's slices. A size that divides the store's averages pixel boxes, rounded to the nearest.

        Raises:
            StoreError: unknown clip, damaged shard, or a size that does not divide the store's.
        """
        stored = self._tensor(clip_id, FRAMES)[start:stop]
        return np.array(stored) if size in (None, self.info.size) else self._averaged(stored, size)

    def frame(self, clip_id: str, t: int, size: int | None = None) -> UInt8:
        """Frame t of a clip, uint8 `[h,w,3]`; negative t counts from the end.

        Raises:
            StoreError: as `frames`, and for a frame the clip does not have.
        """
        stored = self._tensor(clip_id, FRAMES)
        if not -len(stored) <= t < len(stored):
            raise StoreError(f"{self.path}: clip {clip_id!r} has {len(stored)} frames, no frame {t}")
        return np.array(stored[t]) if size in (None, self.info.size) else self._averaged(stored[t][None], size)[0]

    def audio(self, clip_id: str) -> Float32:
        """The sound of a clip, float32 `[640 T]` in [-1, 1] at 16 kHz."""
        audio: Float32 = np.multiply(self._tensor(clip_id, AUDIO), np.float32(1 / 32767), dtype=np.float32)
        return audio

    def landmarks(self, clip_id: str, size: int | None = None) -> Float32:
        """Landmarks of a clip, float32 `[T,68,2]` in pixels of frames of that size, whole numbers at pixel centres."""
        points: Float32 = self._tensor(clip_id, LANDMARKS)
        if size in (None, self.info.size):
            return np.array(points)
        ratio = np.float32(self._checked(size) / self.info.size)
        return np.asarray((points + np.float32(0.5)) * ratio - np.float32(0.5))

    def clip(self, clip_id: str, size: int | None = None) -> Clip:
        """A whole clip."""
        row = self.row(clip_id)
        return Clip(
            clip_id=clip_id,
            actor=row.actor,
            frames=self.frames(clip_id, size=size),
            audio=self.audio(clip_id),
            landmarks=self.landmarks(clip_id, size),
            known={"sentence": row.sentence, "emotion": row.emotion, "level": row.level, "split": row.split},
        )

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hexadecimal sha256 of what the manifest and the settings say: equal stores, equal numbers.

        What a store does not say, having been written before it could, does not count: it keeps its fingerprint.
        """
        settings = dataclasses.asdict(self.info)
        del settings["version"]
        if self.info.face == "largest":
            del settings["face"]
        rows = [
            {
                name: value
                for name, value in dataclasses.asdict(row).items()
                if name not in MEASURED or value is not None
            }
            for row in self.rows
        ]
        said = {"settings": settings, "rows": rows}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def shard(self, number: int) -> Shard:
        """A shard, mapped, and fetched where it is elsewhere. Raises `StoreError` where it is missing or damaged."""
        with self._lock:
            shard = self._shards.get(number)
            if shard is None:
                shard = self._shards[number] = open_shard(fetched(self.path, number))
                if len(self._shards) > OPEN_SHARDS:
                    self._shards.popitem(last=False)
            else:
                self._shards.move_to_end(number)
        return shard

    def _tensor(self, clip_id: str, kind: str) -> Any:
        return self.shard(self.row(clip_id).shard).tensor(tensor_name(clip_id, kind))

    def _checked(self, size: int | None) -> int:
        if size is None or size < 1 or self.info.size % size:
            whole = ", ".join(str(s) for s in range(self.info.size, 15, -1) if self.info.size % s == 0)
            raise StoreError(f"{self.path}: frames of {self.info.size} pixels cannot be given at {size}; {whole} can")
        return size

    def _averaged(self, stored: UInt8, size: int | None) -> UInt8:
        import cv2

        size = self._checked(size)
        averaged = np.empty((len(stored), size, size, 3), dtype=np.uint8)
        for source, target in zip(stored, averaged, strict=True):
            cv2.resize(source, (size, size), dst=target, interpolation=cv2.INTER_AREA)
        return averaged


def write_info(store: Path, info: StoreInfo) -> None:
    """Write `store.json`."""
    write_json(store / "store.json", dataclasses.asdict(info))


def read_info(store: Path) -> StoreInfo:
    """Read `store.json`.

    Raises:
        StoreError: not a store, of another schema, or damaged.
    """
    path = store / "store.json"
    if not path.is_file():
        raise StoreError(f"{store}: not a store (no store.json); give a folder that `viseme prepare` wrote")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        schema = said["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: damaged, not JSON of a store; prepare the store again") from error
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        advice = "upgrade viseme" if newer else "prepare it again"
        raise StoreError(f"{store}: store of schema {schema}, this viseme reads {SCHEMA}; {advice}")
    names = {field.name for field in dataclasses.fields(StoreInfo)}
    if set(said) | {"face"} != names:  # a store that does not say so was written when there was no choice
        odd = sorted((set(said) | {"face"}) ^ names)[0]
        raise StoreError(
            f"{path}: damaged, field {odd!r} is {'unknown' if odd in said else 'missing'}; prepare it again"
        )
    for name in ("test_actors", "val_actors"):
        if not isinstance(said[name], list):
            raise StoreError(f"{path}: damaged, field {name!r} is no list; prepare it again")
        said[name] = tuple(said[name])
    return StoreInfo(**said)
