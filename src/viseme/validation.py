"""Rollouts of held-out clips while a model trains: made as `generate` would, scored as `evaluate` would, filmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from viseme.config.schema import Config
from viseme.data.faces import MOUTH, default_backend
from viseme.data.store import ClipRow, Store
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.score import Sample, score
from viseme.generation.landmarks import split_source
from viseme.generation.provenance import describe, provenance
from viseme.generation.rollout import condition, rollout
from viseme.generation.writer import VideoWriter
from viseme.training.samples import sheet
from viseme.training.telling import ClipScores, Rolled
from viseme.types import SAMPLES_PER_FRAME, Conditioning, Float32, Synthesizer, UInt8

METRICS = ("psnr", "ssim", "mouth_correlation_raw", "opening_spread", "mouth_lmd", "brightness_drift")
"""The scores of `viseme.evaluation` that cost little beside making the frames; landmarks are dlib's, on every frame."""
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class _Truth:
    """The beginning of a held-out clip: frames uint8 `[T,S,S,3]`, sound `[640 T]`, landmarks `[T,68,2]`."""

    clip_id: str
    actor: str
    frames: UInt8
    sound: Float32
    landmarks: Float32
    features: TruthFeatures


def rollouts(store: Store, config: Config) -> Rollouts | None:
    """What validates a run by rollouts; None where `training.rollout_clips` is 0 or no clip is held out for it."""
    made = Rollouts(store, config.data.size, config.training.rollout_clips, config.training.rollout_frames)
    return made if made.rows else None


class Rollouts:
    """A `Roll` of the trainer: the beginnings of a store's `val` clips, each actor's first before any second.

    Args:
        store: what is trained on; its `val` actors are never trained on.
        size: of the model's frames.
        clips: so many clips at most.
        frames: so many frames of each at most, the identity frame among them.
    """

    def __init__(self, store: Store, size: int, clips: int, frames: int) -> None:
        self.store, self.size, self.frames = store, size, frames
        self.rows = by_turns([row for row in store.clips("val") if row.frames >= SHORTEST])[:clips]
        """Of the clips."""

    @cached_property
    def truths(self) -> list[_Truth]:
        """Read once a run."""
        return [self._truth(row) for row in self.rows]

    def __call__(self, synthesizer: Synthesizer, path: Path, rng: torch.Generator) -> Rolled:
        """Make the clips, score them, and write one video of them all.

        Scalars: those of `METRICS`, and `l1`, the mean absolute difference to truth on [-1, 1]; each the mean over the
        clips that have it.

        Raises:
            ModelError: the synthesizer breaks its protocol.
            OutputError: the video cannot be written.
        """
        made = self._made(synthesizer, rng)
        shown = np.concatenate([compared(truth.frames, own, truth.landmarks) for truth, own in self._pairs(made)])
        sound = np.concatenate([truth.sound for truth in self.truths])
        record = provenance(
            describe(synthesizer, seed=rng.initial_seed()), clip_id=", ".join(truth.clip_id for truth in self.truths)
        )
        with VideoWriter(path, 2 * self.size, sound, metadata=record) as writer:
            for frame in shown:
                writer.write(frame)
        picture = sheet([truth.frames for truth in self.truths], made)
        clips = tuple(
            ClipScores(truth.clip_id, truth.actor, len(own) - 1, scores(truth.features, own[1:]))
            for truth, own in self._pairs(made)
        )
        return Rolled(means([clip.values for clip in clips]), clips, picture, shown)

    def _pairs(self, made: Sequence[UInt8]) -> list[tuple[_Truth, UInt8]]:
        return list(zip(self.truths, made, strict=True))

    def _made(self, synthesizer: Synthesizer, rng: torch.Generator) -> list[UInt8]:
        """Of each clip as many frames as truth has, from frame 0 on."""
        given = [self._conditioned(synthesizer, truth) for truth in self.truths]
        frames = np.stack(list(rollout(synthesizer, given, rng)), axis=1)  # [B,T,S,S,3]
        return [own[: len(truth.frames)] for truth, own in self._pairs(list(frames))]

    @staticmethod
    def _conditioned(synthesizer: Synthesizer, truth: _Truth) -> Conditioning:
        source = split_source(synthesizer, None)
        return condition(
            synthesizer,
            truth.frames[0],
            truth.sound,
            len(truth.frames),
            landmarks=truth.landmarks if source == "truth" else None,
            moved_from=truth.landmarks[0] if source == "sound" else None,
            clip_id=truth.clip_id,
        )

    def _truth(self, row: ClipRow) -> _Truth:
        store, size = self.store, self.size
        frames = store.frames(row.clip_id, 0, self.frames, size=size)
        key = (store.fingerprint, row.clip_id, size)
        return _Truth(
            clip_id=row.clip_id,
            actor=row.actor,
            frames=frames,
            sound=store.audio(row.clip_id)[: len(frames) * SAMPLES_PER_FRAME],
            landmarks=store.landmarks(row.clip_id, size=size)[: len(frames)],
            features=TruthFeatures(frames[1:], default_backend(), identity=frames[0], key=key),
        )


def by_turns(rows: Sequence[ClipRow]) -> list[ClipRow]:
    """Each actor's first clip, then each one's second, and so on."""
    turns: dict[str, int] = {}
    order = []
    for row in rows:
        turns[row.actor] = turns.get(row.actor, -1) + 1
        order.append((turns[row.actor], row.actor, row))
    return [row for _, _, row in sorted(order, key=lambda turn: turn[:2])]


def scores(truth: TruthFeatures, made: UInt8) -> dict[str, float]:
    """`l1` and the `METRICS` that can be computed, of frames uint8 `[T,S,S,3]` against truth's."""
    sample = Sample(
        candidate=Features(made, truth.backend),
        truth=truth,
        curve=np.zeros(0),
        calibration="none is taken while a model trains",
    )
    difference = np.abs(made.astype(np.float32) - truth.frames.astype(np.float32))
    return {"l1": float(difference.mean(dtype=np.float64) / 127.5), **score(sample, METRICS).values}


def means(clips: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Metric -> mean over the clips that have it."""
    names = dict.fromkeys(name for clip in clips for name in clip)
    return {name: float(np.mean([clip[name] for clip in clips if name in clip])) for name in names}


def compared(truth: UInt8, made: UInt8, landmarks: Float32) -> UInt8:
    """A square picture a frame: truth left and made right, and below the mouth of each, twice as large.

    Args:
        truth, made: uint8 `[T,S,S,3]`.
        landmarks: truth's, `[T,68,2]` in their pixels; the mouth's middle over the clip is looked at.

    Returns:
        uint8 `[T,2S,2S,3]`.
    """
    centre = landmarks[:, MOUTH].mean(axis=(0, 1))
    above = np.concatenate([truth, made], axis=2)
    below = np.concatenate([_close(truth, centre), _close(made, centre)], axis=2)
    return np.concatenate([above, below], axis=1)


def _close(frames: UInt8, centre: NDArray[np.float32]) -> UInt8:
    """Half the width and height of frames `[T,S,S,3]` around a point, or as near to it as fits, at full size."""
    size = frames.shape[1]
    side = (size + 1) // 2
    left, top = (int(np.clip(round(float(at) - side / 2), 0, size - side)) for at in centre)
    cut = frames[:, top : top + side, left : left + side]
    large = [cv2.resize(np.ascontiguousarray(f), (size, size), interpolation=cv2.INTER_CUBIC) for f in cut]
    return np.asarray(np.stack(large), dtype=np.uint8)
