"""One clip's numbers: each metric's value for the candidate and, where it has one, for truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viseme.data import align
from viseme.errors import InputError
from viseme.evaluation import (
    av_sync,
    blinks,
    fidelity,
    head_motion,
    identity,
    lag,
    legacy,
    liveliness,
    mouth,
    perceptual,
    quality,
    sync_scorer,
    syncnet,
)
from viseme.evaluation.av_sync import Sync
from viseme.evaluation.features import Features, TruthFeatures
from viseme.evaluation.lag import Heard
from viseme.evaluation.landmarks import LandmarkDistance, landmark_distance
from viseme.evaluation.motion import frame_mse
from viseme.evaluation.sync_scorer import MouthAudioSync
from viseme.types import SAMPLES_PER_FRAME, Float32

Float64 = NDArray[np.float64]
Embedded = tuple[Float32, Float32]
Item = TypeVar("Item")
Pair = tuple[float, float | None]
"""The candidate's number, and truth's or None."""


@dataclass(frozen=True)
class Sample:
    """Candidate and truth of one clip, frame for frame, from frame 1 on.

    Attributes:
        candidate, truth: features of equally many frames of one size.
        curve: mean opening curve of the training clips; empty where there are none.
        calibration: the CSIM scale, or why there is none.
        heard: where the clip's sound comes from; None where nobody says.
    """

    candidate: Features
    truth: TruthFeatures
    curve: Float64
    calibration: identity.Calibration | str
    heard: Heard | None = None

    @cached_property
    def distance(self) -> LandmarkDistance:
        return landmark_distance(self.candidate.track.landmarks, self.truth.track.landmarks)

    @property
    def landmarks(self) -> tuple[Float32, Float32]:
        return self.candidate.track.landmarks, self.truth.track.landmarks

    @cached_property
    def opening(self) -> tuple[Float64, Float64]:
        return mouth.opening(self.candidate.track.landmarks), mouth.opening(self.truth.track.landmarks)

    @cached_property
    def spread(self) -> tuple[Float64, Float64]:
        return mouth.spread_each_second(self.opening[0]), mouth.spread_each_second(self.opening[1])

    @property
    def source(self) -> Heard:
        """Where the sound comes from. Raises `ValueError` where nobody says."""
        if self.heard is None:
            raise ValueError("its sound is not known")
        return self.heard

    @cached_property
    def sounds(self) -> tuple[Float32, Float32]:
        """What the candidate's own file sounds like from frame 0 on, and truth, `[S]` each."""
        try:
            heard, true = self.source.candidate(), self.source.truth()
        except InputError as error:
            raise ValueError(f"its sound cannot be read: {error}") from error
        if true is None:
            raise ValueError("truth has no sound")
        return heard, true

    @cached_property
    def lag(self) -> tuple[Float64, Float64]:
        sounds, mixtures = self.sounds, self.source.canonical()
        ours, theirs = (
            lag.lag_curve(
                lag.mouth_features(side.track.landmarks), lag.sound_features(audio, len(side.frames)), mixtures
            )
            for side, audio in zip((self.candidate, self.truth), sounds, strict=True)
        )
        return ours, theirs

    @cached_property
    def embeddings(self) -> tuple[Embedded, Embedded]:
        """SyncNet's embeddings of both sides."""
        sides = zip((self.candidate, self.truth), self.sounds, strict=True)
        # Frame 0 is not scored, so its sound is not heard either.
        ours, true = (syncnet.embedded(side.frames, audio[SAMPLES_PER_FRAME:]) for side, audio in sides)
        return ours, true

    def sync(self, border: str) -> tuple[Sync, Sync]:
        """SyncNet's scores of both sides under a border convention of `av_sync.BORDERS`."""
        ours, true = (av_sync.av_sync(av_sync.BORDERS[border](*pair)) for pair in self.embeddings)
        return ours, true

    @cached_property
    def mouth_audio(self) -> tuple[MouthAudioSync, MouthAudioSync]:
        """viseme's own sync scorer on both sides, each aligned as it was trained on."""

        def found(side: Features, audio: Float32) -> MouthAudioSync:
            aligned = align.clip_transform(side.track.landmarks, sync_scorer.SIZE)
            faces = np.stack([align.warp(frame, aligned, sync_scorer.SIZE) for frame in side.frames])
            try:
                return sync_scorer.mouth_audio_sync(faces, audio[SAMPLES_PER_FRAME:])
            except InputError as error:
                raise ValueError(str(error)) from error

        ours, true = self.sounds
        return found(self.candidate, ours), found(self.truth, true)

    @cached_property
    def blinks(self) -> tuple[blinks.Blinks, blinks.Blinks]:
        ours, true = (
            blinks.blinks(blinks.eye_aspect_ratio(side.track.landmarks)) for side in (self.candidate, self.truth)
        )
        return ours, true

    @cached_property
    def head(self) -> tuple[head_motion.HeadMotion, head_motion.HeadMotion]:
        ours, true = (head_motion.head_motion(side.track.landmarks) for side in (self.candidate, self.truth))
        return ours, true

    @cached_property
    def rhythm(self) -> Float64:
        """The mean curve at this clip's length."""
        if not len(self.curve):
            raise ValueError("the store has no training clips")
        return mouth.fitted(self.curve, len(self.truth.frames))

    @cached_property
    def brightness(self) -> tuple[Float64, Float64]:
        return quality.brightness(self.candidate.frames), quality.brightness(self.truth.frames)

    @cached_property
    def sharpness(self) -> tuple[Float64, Float64]:
        return quality.sharpness(self.candidate.frames), quality.sharpness(self.truth.frames)

    @cached_property
    def csim(self) -> tuple[Float64, Float64]:
        if isinstance(self.calibration, str):
            raise ValueError(f"CSIM has no scale: {self.calibration}")
        first = self.truth.identity_descriptor
        sides = (self.candidate, self.truth)
        ours, true = (identity.csim(side.descriptors, first, self.calibration) for side in sides)
        return ours, true


def _mean(series: Float64) -> float:
    if not series.size:
        raise ValueError("it needs at least two scored frames")
    return float(series.mean())


def _mouth_correlation(sample: Sample) -> Pair:
    ours, true = sample.opening
    if not len(sample.curve):
        return mouth.correlation(ours, true), None
    return mouth.mouth_correlation(ours, true, sample.rhythm), None


def _both(measure: Callable[[Item], float], pair: tuple[Item, Item]) -> Pair:
    return measure(pair[0]), measure(pair[1])


SCORES: Mapping[str, Callable[[Sample], Pair]] = {
    "psnr": lambda s: (_mean(fidelity.psnr(s.candidate.frames, s.truth.frames)), None),
    "snr": lambda s: (fidelity.snr(s.candidate.frames, s.truth.frames), None),
    "ssim": lambda s: (_mean(fidelity.ssim(s.candidate.frames, s.truth.frames)), None),
    "lpips": lambda s: (_mean(perceptual.lpips_of(s.candidate.frames, s.truth.frames)), None),
    "lmd": lambda s: (_mean(s.distance.face), None),
    "mouth_lmd": lambda s: (_mean(s.distance.mouth), None),
    "mouth_correlation": _mouth_correlation,
    "mouth_correlation_raw": lambda s: (mouth.correlation(*s.opening), None),
    "mean_curve_raw": lambda s: (mouth.correlation(s.rhythm, s.opening[1]), None),
    "opening_spread": lambda s: (mouth.spread_ratio(*s.opening), 1.0),
    "opening_spread_least": lambda s: (mouth.least_spread_ratio(*s.opening), 1.0),
    "av_lag": lambda s: _both(lag.best_lag, s.lag),
    "sync_offset": lambda s: _both(lambda found: float(found.offset), s.mouth_audio),
    "sync_confidence": lambda s: _both(lambda found: found.confidence, s.mouth_audio),
    "blink_rate": lambda s: _both(lambda found: found.rate, s.blinks),
    "blink_length": lambda s: _both(lambda found: found.length, s.blinks),
    "head_roll": lambda s: _both(lambda moved: moved.roll, s.head),
    "head_shift": lambda s: _both(lambda moved: moved.shift, s.head),
    "head_motion": lambda s: (liveliness.head_motion_ratio(*s.landmarks), 1.0),
    "blink_motion": lambda s: (liveliness.blink_motion_ratio(*s.landmarks), 1.0),
    "csim": lambda s: _both(_mean, s.csim),
    "ofm": lambda s: _both(_mean, (s.candidate.flow, s.truth.flow)),
    "f_mse": lambda s: _both(_mean, (frame_mse(s.candidate.frames), frame_mse(s.truth.frames))),
    "brightness": lambda s: _both(_mean, s.brightness),
    "sharpness": lambda s: _both(_mean, s.sharpness),
    "brightness_drift": lambda s: _both(quality.relative_drift, s.brightness),
    "sharpness_drift": lambda s: _both(quality.relative_drift, s.sharpness),
    "identity_drift": lambda s: _both(identity.identity_drift, s.csim),
    "av_offset": lambda s: _both(lambda found: float(found.offset), s.sync("zeros")),
    "lse_c": lambda s: _both(lambda found: found.confidence, s.sync("zeros")),
    "lse_d": lambda s: _both(lambda found: found.distance, s.sync("zeros")),
    "av_offset_valid": lambda s: _both(lambda found: float(found.offset), s.sync("valid")),
    "lse_c_valid": lambda s: _both(lambda found: found.confidence, s.sync("valid")),
    "lse_d_valid": lambda s: _both(lambda found: found.distance, s.sync("valid")),
    "ofm_legacy": lambda s: _both(_mean, (legacy.ofm_legacy(s.candidate.frames), legacy.ofm_legacy(s.truth.frames))),
    "f_mse_legacy": lambda s: _both(
        _mean, (legacy.f_mse_legacy(s.candidate.frames), legacy.f_mse_legacy(s.truth.frames))
    ),
}
"""Metric name -> how it is computed. A `ValueError` says why a clip has no such number."""

CURVES: Mapping[str, Callable[[Sample], tuple[Float64, Float64]]] = {
    "opening": lambda s: s.opening,
    "spread": lambda s: s.spread,
    "lag": lambda s: s.lag,
    "brightness": lambda s: s.brightness,
    "sharpness": lambda s: s.sharpness,
    "identity": lambda s: s.csim,
}
"""Series kept for plots; each is computed on the way to the metrics of `CURVE_OF`."""

CURVE_OF = {
    "mouth_correlation": "opening",
    "mouth_correlation_raw": "opening",
    "mean_curve_raw": "opening",
    "opening_spread": "opening",
    "opening_spread_least": "spread",
    "av_lag": "lag",
    "brightness": "brightness",
    "brightness_drift": "brightness",
    "sharpness": "sharpness",
    "sharpness_drift": "sharpness",
    "csim": "identity",
    "identity_drift": "identity",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """Metric -> number, truth's number, or why there is none; and curve -> series."""

    values: dict[str, float]
    truth: dict[str, float]
    missing: dict[str, str]
    curves: dict[str, list[float]]


def score(sample: Sample, metrics: Iterable[str]) -> Scored:
    """Compute the named metrics of one clip; one that cannot be computed is missing, with the reason."""
    scored = Scored({}, {}, {}, {})
    for name in metrics:
        try:
            value, true = SCORES[name](sample)
        except ValueError as reason:
            scored.missing[name] = str(reason)
            continue
        if not np.isfinite([value, 0.0 if true is None else true]).all():
            scored.missing[name] = "it is not a finite number for this clip"
            continue
        scored.values[name] = float(value)
        if true is not None:
            scored.truth[name] = float(true)
        if curve := CURVE_OF.get(name):
            for key, series in zip((curve, f"{curve}_truth"), CURVES[curve](sample), strict=True):
                scored.curves[key] = [float(f"{number:.6g}") for number in series]
    return scored
