"""What training draws from a store: windows of frames with their identity, motion frames, sound and landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from viseme.audio.mel import with_context
from viseme.config.sections import AudioConfig, DataConfig
from viseme.data.affine import Affine
from viseme.data.augment import augment
from viseme.data.augment_sound import augment_sound
from viseme.data.background import Backgrounds, read_backgrounds
from viseme.data.encoded import EncodedClips
from viseme.data.faces import MOUTH
from viseme.data.store import ClipRow, Store
from viseme.errors import StoreError
from viseme.nn.draws import rand
from viseme.nn.images import to_signed
from viseme.types import Batch, Bool, Float32, UInt8

FINER = 2
"""Where windows are moved, their pictures are read at so many times their size, if the store has it: a picture read
between its pixels at its own size loses a fifth of its sharpness and more."""


class Windows:
    """Random windows of some splits of a store.

    A draw depends on the generator alone, so that a run that carries on sees what it would have seen.

    Raises:
        StoreError: no clip in these splits is longer than a window.
        InputError: `data.backgrounds` is no folder of pictures.
    """

    def __init__(self, store: Store, splits: Sequence[str], data: DataConfig, audio: AudioConfig) -> None:
        self.store, self.data, self.audio = store, data, audio
        rows = [row for split in splits for row in store.clips(split) if row.frames > data.window]
        if not rows:
            raise StoreError(
                f"{store.path}: holds no clip of more than {data.window} frames in {' or '.join(splits)}; "
                "prepare more clips or set data.window smaller"
            )
        self.rows = rows
        self._encoded = EncodedClips(store, rows, audio)
        moves = data.rotation or data.scale or data.shift or data.bend
        self._affine = Affine(data.rotation, data.scale, data.shift, data.bend) if moves else None
        self._fine = FINER * data.size if moves and store.info.size % (FINER * data.size) == 0 else data.size
        pictures = read_backgrounds(data.backgrounds, self._fine) if data.background and data.backgrounds else None
        self._backgrounds = Backgrounds(data.background, pictures) if data.background else None
        actors = sorted({row.actor for row in rows}) if data.even_actors else []
        self._by_actor = [[row for row in rows if row.actor == actor] for actor in actors]

    def batch(
        self, size: int, rng: torch.Generator, *, rows: Sequence[ClipRow] | None = None, augmented: bool = True
    ) -> Batch:
        """Draw `size` windows: clips, or actors and then clips, then times and identity frames within each, all evenly.

        With a `viseme.nn.draws.Share` they are that share of the batch's windows, and `size` is their number.

        Args:
            size: windows.
            rng: the generator.
            rows: the clip of each window, of `self.rows`, where clips are not to be drawn.
            augmented: whether they are changed as the settings say.
        """
        draws = rand((size, 3), rng, torch.float64).tolist()
        rows = [self._row(clip) for clip, _, _ in draws] if rows is None else rows
        size = self._fine if augmented else self.data.size
        drawn = [self._window(row, time, other, size) for row, (_, time, other) in zip(rows, draws, strict=True)]
        identity, motion, frames, heard, points, at, before = (np.stack(column) for column in zip(*drawn, strict=True))
        side = self.data.size
        batch = Batch(
            identity=to_signed(identity).contiguous(),
            motion=to_signed(motion).contiguous().flatten(1, 2),
            frames=to_signed(frames),
            audio=torch.from_numpy(heard),
            landmarks=_signed_points(points, side),
            mouth=torch.from_numpy(mouth_boxes(points, side, self.data.mouth_margin)).float()[:, :, None],
            identity_landmarks=_signed_points(at, side),
            landmarks_before=_signed_points(before, side),
        )
        if augmented:
            data = self.data
            if self.audio.kind in ("mel", "learned"):
                sound = augment_sound(batch.audio, self.audio.bands, tract=data.tract, tilt=data.tilt, rng=rng)
                batch = replace(batch, audio=sound)
            batch = augment(
                batch,
                flip=data.flip,
                colour=data.colour,
                rng=rng,
                backgrounds=self._backgrounds,
                affine=self._affine,
            )
        return batch

    def _row(self, share: float) -> ClipRow:
        """The clip at a share of all, or of those of the actor at that share of the actors."""
        if not self._by_actor:
            return self.rows[int(share * len(self.rows))]
        actor, within = divmod(share * len(self._by_actor), 1.0)
        clips = self._by_actor[int(actor)]
        return clips[int(within * len(clips))]

    def _window(self, row: ClipRow, time: float, other: float, size: int) -> _Window:
        """The window at a share of the clip's length, its pictures of this size, its points in those of `data.size`."""
        length, count = self.data.window, self.data.motion_frames
        start = 1 + int(time * (row.frames - length))  # frame 0 has no motion frame, so it is never a target
        first, at = max(start - count, 0), int(other * row.frames)
        frames = self.store.frames(row.clip_id, first, start + length, size=size)
        identity = self.store.frame(row.clip_id, at, size=size)
        points = self.store.landmarks(row.clip_id, size=self.data.size)
        before = [identity] * (count - (start - first)) + list(frames[: start - first])
        heard = np.maximum(np.arange(start - self.data.warmup, start + length), 0)
        warmup = heard[: self.data.warmup]
        return _Window(
            identity,
            np.stack(before),
            frames[start - first :],
            with_context(self._encoded.features(row), self.audio.context, heard),
            points[start : start + length],
            points[at],
            points[warmup],
        )


class _Window(NamedTuple):
    """One window as it is stored: pictures uint8 `[...,H,W,3]`, points in pixels."""

    identity: UInt8
    motion: UInt8
    frames: UInt8
    audio: Float32
    landmarks: Float32
    identity_landmarks: Float32
    landmarks_before: Float32


def _signed_points(points: Float32, size: int) -> Tensor:
    """Points in pixels as a model's input."""
    return torch.from_numpy(points / np.float32(size) * 2 - 1)


def mouth_boxes(landmarks: Float32, size: int, margin: float) -> Bool:
    """Where the mouth is: `[...,68,2]` in pixels to bool `[...,size,size]`, points 48-67's box widened by `margin`."""
    mouth = landmarks[..., MOUTH, :]
    low, high = mouth.min(axis=-2) - margin * size, mouth.max(axis=-2) + margin * size  # each [..., (x, y)]
    place = np.arange(size, dtype=np.float32)
    columns = (place >= low[..., :1]) & (place <= high[..., :1])  # [..., W]
    lines = (place >= low[..., 1:]) & (place <= high[..., 1:])  # [..., H]
    return np.asarray(lines[..., :, None] & columns[..., None, :])
