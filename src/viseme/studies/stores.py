"""Small stores made of a large one, so that a study's rollouts are generated and scored by the same commands as any.

Each holds the clips a study looks at, at the model's size, and beside them up to four clips of up to 32 training
actors, on which the scales of CSIM and of the mouth correlation rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viseme.data.shards import AUDIO, FRAMES, LANDMARKS, shard_path, shard_writer, tensor_name
from viseme.data.store import ClipRow, Store, write_info, write_manifest
from viseme.errors import StoreError
from viseme.evaluation.background import CALIBRATION_ACTORS, CALIBRATION_CLIPS
from viseme.evaluation.evenly import evenly
from viseme.files import AnyPath
from viseme.types import SAMPLES_PER_FRAME, Clip

HELD_OUT = ("val", "test")
"""Splits of actors that no model was trained on."""
Piece = tuple[ClipRow, Clip]
"""A clip as it shall be stored, and the row it has."""


def few_clips(data: AnyPath, out: AnyPath, *, split: str, clips: int, size: int, frames: int | None = None) -> None:
    """A store of the first clips of a split, each actor's first before any second.

    Args:
        data: the store.
        out: a new store.
        split: which clips; they keep their split.
        clips: so many at most.
        size: pixels a side of its frames; divides the store's.
        frames: the first so many of each, frame 0 among them; all where None.

    Raises:
        StoreError: the split holds no clips, or a size that the store cannot give.
    """
    store = Store.open(data)
    rows = by_turns(store.clips(split))[:clips]
    if not rows:
        raise StoreError(f"{store.path}: split {split!r} holds no clips to study; prepare more actors")
    shown = (_cut(store, [row], size, frames or row.frames) for row in rows)
    _write(store, Path(out), size, itertools.chain(shown, _background(store, size)))


def joined_clips(data: AnyPath, out: AnyPath, *, clips: int, size: int, frames: int) -> None:
    """A store of long clips: those of one held-out actor joined in picture and sound, in the order of their names.

    They are of the split `test` there, whether their actor was one to choose by or held out for good. Where two clips
    meet, truth jumps; a rollout from the first frame hears one long sound.

    Args:
        data: the store.
        out: a new store.
        clips: so many long clips at most, each actor's first before any second.
        size: pixels a side of its frames; divides the store's.
        frames: of each long clip, frame 0 among them.

    Raises:
        StoreError: no held-out actor has so many frames, or a size that the store cannot give.
    """
    store = Store.open(data)
    groups = {row[0].clip_id: row for actor in _actors(store) for row in _groups(actor, frames)}
    firsts = by_turns([rows[0] for rows in groups.values()])[:clips]
    if not firsts:
        raise StoreError(f"{store.path}: no held-out actor has {frames} frames; study at a smaller scale")
    long = (_cut(store, groups[first.clip_id], size, frames) for first in firsts)
    shown = ((replace(row, clip_id=f"{row.clip_id}_joined", split="test"), clip) for row, clip in long)
    _write(store, Path(out), size, itertools.chain(shown, _background(store, size)))


def without(data: AnyPath, out: AnyPath, *, signal: Literal["audio", "landmarks"]) -> None:
    """The same store with one signal taken from its clips: landmarks held as in frame 0, or the sound silent.

    Its training clips stay whole, so that scores against it mean the same.

    Raises:
        StoreError: `data` is no store.
    """
    store = Store.open(data)

    def changed(clip: Clip) -> Clip:
        if signal == "audio":
            return replace(clip, audio=np.zeros_like(clip.audio))
        assert clip.landmarks is not None
        return replace(clip, landmarks=np.repeat(clip.landmarks[:1], len(clip.landmarks), axis=0))

    pieces = ((row, store.clip(row.clip_id)) for row in store.clips())
    kept = ((row, clip if row.split == "train" else changed(clip)) for row, clip in pieces)
    _write(store, Path(out), store.info.size, kept)


def by_turns(rows: Sequence[ClipRow]) -> list[ClipRow]:
    """Each actor's first clip, then each one's second, and so on."""
    ordered = sorted(rows, key=lambda row: (row.actor, row.clip_id))
    turns = {
        row.clip_id: (turn, row.actor)
        for _, group in itertools.groupby(ordered, key=lambda row: row.actor)
        for turn, row in enumerate(group)
    }
    return sorted(ordered, key=lambda row: turns[row.clip_id])


def _actors(store: Store) -> list[list[ClipRow]]:
    """The held-out clips of each actor, by name."""
    rows = sorted((row for split in HELD_OUT for row in store.clips(split)), key=lambda row: (row.actor, row.clip_id))
    return [list(group) for _, group in itertools.groupby(rows, key=lambda row: row.actor)]


def _groups(rows: Sequence[ClipRow], frames: int) -> list[list[ClipRow]]:
    """Clips in a row that are `frames` long or longer together; what is left over at the end is in none."""
    groups: list[list[ClipRow]] = []
    group: list[ClipRow] = []
    for row in rows:
        group.append(row)
        if sum(part.frames for part in group) >= frames:
            groups.append(group)
            group = []
    return groups


def _cut(store: Store, rows: Sequence[ClipRow], size: int, frames: int) -> Piece:
    """Clips joined, and cut to so many frames."""
    parts = [store.clip(row.clip_id, size=size) for row in rows]
    joined = replace(
        parts[0],
        frames=np.concatenate([part.frames for part in parts])[:frames],
        audio=np.concatenate([part.audio for part in parts])[: frames * SAMPLES_PER_FRAME],
        landmarks=np.concatenate([part.landmarks for part in parts if part.landmarks is not None])[:frames],
    )
    return rows[0], joined


def _background(store: Store, size: int) -> Iterator[Piece]:
    for actor in evenly(store.actors("train"), CALIBRATION_ACTORS):
        for row in evenly([row for row in store.clips("train") if row.actor == actor], CALIBRATION_CLIPS):
            yield _cut(store, [row], size, row.frames)


def _write(store: Store, out: Path, size: int, pieces: Iterable[Piece]) -> None:
    """One shard, then the manifest, by which a store is whole."""
    rows: list[ClipRow] = []
    said: list[dict[str, object]] = []
    with shard_writer(shard_path(out, 0), said) as writer:
        for row, clip in pieces:
            row = replace(row, frames=len(clip.frames), shard=0)
            assert clip.landmarks is not None
            tensors: dict[str, NDArray[np.generic]] = {
                FRAMES: clip.frames,
                AUDIO: np.rint(clip.audio * 32767).astype(np.int16),
                LANDMARKS: clip.landmarks,
            }
            writer.add({tensor_name(row.clip_id, kind): tensor for kind, tensor in tensors.items()})
            rows.append(row)
            said.append(asdict(row))
    info = replace(store.info, size=size, clips=len(rows), listing=store.fingerprint)
    write_info(out, info)
    write_manifest(out, rows)
