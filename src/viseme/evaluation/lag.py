"""How late the lips come, by canonical correlation of what the mouth does with what is heard; no network, no download.

Canonical correlation finds the mixtures of mouth features and of mel bands that go together best. Fitted to a clip of
a few seconds it finds something at any shift, so the mixtures are learned once from the training clips of the
reference, where lips and sound are in time, and each clip only says at which shift they agree best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viseme.audio.loudness import levelled
from viseme.audio.mel import mel_features
from viseme.data import align
from viseme.data.audio import read_audio
from viseme.data.faces import EYE_CORNERS
from viseme.data.store import Store
from viseme.evaluation.cache import cached
from viseme.evaluation.evenly import evenly
from viseme.evaluation.head_motion import poses
from viseme.evaluation.reading import told_by_name
from viseme.evaluation.truth import StoredClip, TrueClip, opened
from viseme.types import Float32

Float64 = NDArray[np.float64]

SHIFTS = 15
"""Frames by which the sound is shifted to either side."""
BANDS = 10
RIDGE = 0.1
"""Added to the variance of each standardised feature: neighbouring bands are nearly alike."""
PAIRS = 2
"""Canonical pairs that count; further ones are noise."""
SHORTEST = 40
"""Scored frames below which a clip's own lag is not told."""
STILL = 0.2
"""Mixtures vary by about 1 in the training clips. Below this, lips only tremble (the control *frozen* reaches 0.1, true
clips begin at 0.8) and any shift would be as good as another."""
FITTED = 200
"""At most so many training clips, evenly chosen, set the mixtures."""
VERSION = 1
"""Part of the cache's key: raise it when the features or the fit change."""

_DISTANCES = ((51, 57), (48, 54), (60, 64))
_HEIGHTS = ((50, 51, 52), (56, 57, 58), (7, 8, 9))


@dataclass(frozen=True, slots=True)
class Canonical:
    """Mixtures of features, one column a canonical pair.

    Attributes:
        mouth: float64 `[7,K]`.
        sound: float64 `[4 BANDS,K]`.
        correlation: float64 `[K]`, on the clips they were fitted to, in time.
    """

    mouth: Float64
    sound: Float64
    correlation: Float64


@dataclass(frozen=True, slots=True)
class Heard:
    """What a lag is measured on beside the landmarks; nothing is read before it is asked for.

    Attributes:
        video: the candidate's file.
        clip: the true clip.
    """

    video: Path
    clip: TrueClip

    def candidate(self) -> Float32:
        """The sound in the candidate's own file, float32 `[S]` from frame 0 on. Raises `InputError`."""
        with told_by_name(self.video):
            return read_audio(self.video)

    def truth(self) -> Float32 | None:
        """That of truth, or None where it has none. Raises `InputError`."""
        return self.clip.audio()

    def canonical(self) -> Canonical:
        """The mixtures from the training clips. Raises `ValueError` where there are none."""
        if not isinstance(self.clip, StoredClip):
            raise ValueError("the reference has no training clips")
        return training_canonical(opened(self.clip.store, self.clip.fingerprint))


def mouth_features(landmarks: Float32) -> Float64:
    """What the mouth does in each frame, `[T,7]` in shares of the clip's mean outer eye-corner distance.

    Inner and outer opening, outer and inner width, and the heights of the upper lip, lower lip and chin, of points
    `[T,68,2]` after head motion has been taken out by eyes and nose. Raises `ValueError` for points in one place.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    still = np.stack([align.apply(align.inverse(m), now) for m, now in zip(poses(landmarks), points, strict=True)])
    eyes = np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=-1).mean()
    inner = np.linalg.norm(still[:, [61, 62, 63]] - still[:, [67, 66, 65]], axis=-1).mean(axis=1)
    distances = [np.linalg.norm(still[:, a] - still[:, b], axis=-1) for a, b in _DISTANCES]
    heights = [still[:, list(three), 1].mean(axis=1) for three in _HEIGHTS]
    return np.asarray(np.stack([inner, *distances, *heights], axis=1) / eyes)


def sound_features(audio: Float32, frames: int) -> Float64:
    """Log-mel energies of frames 1, 2, ..., `[frames,40]`, of sound `[S]` that begins with frame 0."""
    return mel_features(levelled(audio), frames + 1, BANDS)[1:].astype(np.float64)


def canonical(clips: Sequence[tuple[Float64, Float64]]) -> Canonical:
    """The mixtures of mouth features `[T,F]` and sound features `[T,D]` that correlate most over these clips.

    Each clip's mean is taken out of it, as faces and microphones differ. With x and y standardised over all frames,
    the columns maximise corr(a'x, b'y) under a'(Cxx + 0.1 I)a = b'(Cyy + 0.1 I)b = 1 (Hotelling, Relations between
    two sets of variates, 1936; the ridge after Vinod, 1976).

    Raises `ValueError` where no clip is given or nothing moves in them.
    """
    if not clips:
        raise ValueError("the store has no training clips")
    x, y = (np.concatenate([side - side.mean(axis=0) for side in sides]) for sides in zip(*clips, strict=True))
    if not (x.std() > 0 and y.std() > 0):
        raise ValueError("the training clips have no sound or no moving lips")
    wx, wy = _whitening(x), _whitening(y)
    u, correlation, v = np.linalg.svd(wx.T @ (x.T @ y / len(x)) @ wy)
    return Canonical(wx @ u[:, :PAIRS], wy @ v[:PAIRS].T, correlation[:PAIRS])


def lag_curve(mouth: Float64, sound: Float64, mixtures: Canonical) -> Float64:
    """How well lips and sound agree at each lag, `[31]`, of features `[T,F]` and `[T,D]` of the same frames.

    Number i belongs to lag i - 15: frame t of the mouth beside frame t - lag of the sound. It is the sum over the
    canonical pairs of r sqrt(n), r being Pearson's over the n frames that overlap: a correlation over fewer frames
    is by chance as much larger.

    Raises `ValueError` for less than 40 frames, lips that do not move, or silence.
    """
    if len(mouth) < SHORTEST:
        raise ValueError(f"a lag needs {SHORTEST} scored frames")
    x, y = mouth @ mixtures.mouth, sound @ mixtures.sound  # [T,K]
    if x.std(axis=0).max() < STILL:
        raise ValueError("the lips do not move")
    if y.std(axis=0).max() < STILL:
        raise ValueError("there is silence only")
    count = len(x)
    curve = np.zeros(2 * SHIFTS + 1)
    for index, lag in enumerate(range(-SHIFTS, SHIFTS + 1)):
        lips = x[max(0, lag) : count + min(0, lag)]
        heard = y[max(0, -lag) : count - max(0, lag)]
        curve[index] = np.sqrt(len(lips)) * _correlation(lips, heard).sum()
    return curve


def best_lag(curve: Float64) -> float:
    """Frames by which the lips come after the sound; below 0 they come before it.

    The place of the largest number of a curve `[31]`, or of the mean of several clips' curves: pooled so, clips too
    short to say it alone say it together. A sound delayed by k frames lowers it by k; the sign is that of SyncNet's
    AV offset.
    """
    return float(np.argmax(curve) - SHIFTS)


def pooled_lag(curves: Sequence[Float64]) -> float:
    """The lag of a system over all its clips, from their curves `[31]`. Raises `ValueError` for none."""
    if not curves:
        raise ValueError("no clip has a lag curve")
    return best_lag(np.mean(curves, axis=0))


def training_canonical(store: Store) -> Canonical:
    """The mixtures from up to 200 training clips of a store, by its own landmarks; kept in the cache.

    Raises `ValueError` where the store has no training clips, or none that moves and sounds.
    """
    rows = evenly([row for row in store.clips("train") if row.frames > 1], FITTED)

    def compute() -> dict[str, Float64]:
        fitted = canonical(
            [
                (
                    mouth_features(store.landmarks(row.clip_id)[1:]),
                    sound_features(store.audio(row.clip_id), row.frames - 1),
                )
                for row in rows
            ]
        )
        return {"mouth": fitted.mouth, "sound": fitted.sound, "correlation": fitted.correlation}

    key = (VERSION, store.fingerprint, BANDS, RIDGE, PAIRS, FITTED)
    kept = cached("canonical", key, ("mouth", "sound", "correlation"), compute)
    return Canonical(kept["mouth"], kept["sound"], kept["correlation"])


def _whitening(centred: Float64) -> Float64:
    """What makes features `[N,D]` uncorrelated and of unit variance, up to the ridge: `[D,D]`."""
    scale = np.maximum(centred.std(axis=0), 1e-9)
    standard = centred / scale
    covariance = standard.T @ standard / len(standard) + RIDGE * np.eye(len(scale))
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)).T / scale[:, None])


def _correlation(a: Float64, b: Float64) -> Float64:
    """Pearson's r of each column of a with that of b, `[K]`."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return np.asarray((a * b).sum(axis=0) / np.maximum(np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0)), 1e-12))
