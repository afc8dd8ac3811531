"""Mouth-audio sync: does the mouth move with the sound, and by how many frames is it late?

A small network of our own, in the manner of SyncNet (Chung and Zisserman, Out of time, 2016) and no substitute for it:
an eye sees the mouth, an ear hears log-mel columns, and both give one direction a frame that agree where picture and
sound belong together. Its numbers stand under their own name and are never compared with SyncNet's. No generator is
ever trained against it.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from viseme.audio.loudness import levelled
from viseme.audio.mel import mel_features
from viseme.errors import InputError
from viseme.evaluation.quality import luma
from viseme.evaluation.reading import at_size
from viseme.nn.weights import load_weights, read_model
from viseme.types import Float32, UInt8

SIZE = 64
"""Frames are brought to this size first, so that larger videos score alike."""
CROP = (30, 60, 17, 47)
"""Top, bottom, left and right of the mouth on an aligned frame of 64 pixels: upper lip to chin."""
BANDS = 40
REACH = 10
"""Shifts are tried from -10 to 10 frames."""
MARGIN = 3
"""Frames at each end whose directions rest on padding; they are left out."""
OVERLAP = 10
"""At the farthest shift so many frames are still compared."""
SHORTEST = 2 * MARGIN + REACH + OVERLAP
"""26 frames: below, a video has no sync score."""


@dataclass(frozen=True, slots=True)
class MouthAudioSync:
    """How a mouth and a sound go together.

    Attributes:
        offset: frames by which the mouth comes after its sound: positive, the video lags; negative, it leads.
            SyncNet's published code has the same sign.
        confidence: agreement at the best shift less the median over the shifts; near 0 where nothing fits.
        agreement: `[2 reach + 1]`, mean cosine of eye and ear at offsets -reach to reach.
    """

    offset: int
    confidence: float
    agreement: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """The sizes of the network.

    Attributes:
        width: channels of the eye's first stage; the ear's are half.
        directions: dimensions of the common space.
    """

    width: int = 32
    directions: int = 128


class SyncScorer(nn.Module):
    """The eye and the ear. Every frame is seen alone first; three-frame convolutions over time follow."""

    def __init__(self, config: SyncConfig = SyncConfig()) -> None:
        super().__init__()
        self.config = config
        w, d = config.width, config.directions
        self.eye = nn.Sequential(*_stage(2, w, 2), *_stage(w, w, 1), *_stage(w, 2 * w, 2), *_stage(2 * w, 3 * w, 2))
        self.eye_time = _over_time(3 * w * 16, d)
        self.ear = nn.Sequential(
            *_stage(1, w // 2, 1), nn.MaxPool2d((1, 2)), *_stage(w // 2, w, 2), *_stage(w, 2 * w, 2)
        )
        self.ear_time = _over_time(2 * w * 5, d)
        self.scale = nn.Parameter(torch.tensor(2.3))

    def see(self, mouths: Tensor) -> Tensor:
        """Grey mouths `[B,T,30,30]` in [0, 1] to directions `[B,T,D]` of length 1."""
        centred = mouths - mouths.mean(dim=(1, 2, 3), keepdim=True)
        centred = centred / (centred.std(dim=(1, 2, 3), keepdim=True) + 1e-2)
        moved = 2 * (centred - centred.mean(dim=1, keepdim=True))  # against the clip's mean: what moves
        seen = self.eye(torch.stack([centred, moved], dim=2).flatten(0, 1))  # [B T, 3w, 4, 4]
        return self._directions(self.eye_time, seen.reshape(*mouths.shape[:2], -1))

    def hear(self, sound: Tensor) -> Tensor:
        """Log-mel features `[B,T,4 bands]` without context to directions `[B,T,D]` of length 1."""
        columns = sound.reshape(len(sound), 1, -1, BANDS)  # [B, 1, 4T, bands]
        heard = self.ear(columns + 0.7)  # [B, 2w, T, 5]
        return self._directions(self.ear_time, heard.permute(0, 2, 1, 3).flatten(2))

    @staticmethod
    def _directions(over_time: nn.Module, features: Tensor) -> Tensor:
        found: Tensor = over_time(features.transpose(1, 2)).transpose(1, 2)
        return F.normalize(found.float(), dim=-1)


def _stage(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _over_time(inputs: int, outputs: int) -> nn.Sequential:
    """`[B,inputs,T]` to `[B,outputs,T]`, each frame from the five around it."""
    return nn.Sequential(
        nn.Dropout(0.2),
        nn.Conv1d(inputs, outputs, 1, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv1d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv1d(outputs, outputs, 3, padding=1),
    )


def mouths(frames: UInt8, margin: int = 0) -> UInt8:
    """The mouth of aligned frames `[T,S,S,3]`, uint8 `[T,30 + 2 margin,30 + 2 margin,3]` at the 64-pixel scale."""
    top, bottom, left, right = CROP
    small = np.stack([at_size(frame, SIZE) for frame in frames])
    return small[:, top - margin : bottom + margin, left - margin : right + margin]


def grey(pictures: UInt8) -> Tensor:
    """Luma in [0, 1] of uint8 `[...,H,W,3]`."""
    return torch.from_numpy(luma(pictures)) / 255


@torch.inference_mode()
def directions(frames: UInt8, audio: Float32, scorer: SyncScorer) -> tuple[Tensor, Tensor]:
    """What eye and ear make of a clip: `[T,D]` each, the frames whose directions rest on padding included.

    Args:
        frames: uint8 `[T,S,S,3]`, aligned.
        audio: float32 `[N]` at 16 kHz; 640 samples a frame.
        scorer: in evaluation mode.
    """
    sound = torch.from_numpy(mel_features(levelled(audio), len(frames), BANDS))
    return scorer.see(grey(mouths(frames))[None])[0], scorer.hear(sound[None])[0]


def agreement(seen: Tensor, heard: Tensor, reach: int = REACH) -> NDArray[np.float64]:
    """Mean cosine at offsets -reach to reach, `[2 reach + 1]`: offset k sets picture t against sound t - k.

    Args:
        seen, heard: directions `[T,D]`; the `MARGIN` at each end do not count.
    """
    cosines = (seen[MARGIN:-MARGIN].double() @ heard[MARGIN:-MARGIN].double().T).numpy()
    return np.array([np.diagonal(cosines, -offset).mean() for offset in range(-reach, reach + 1)])


def mouth_audio_sync(frames: UInt8, audio: Float32, scorer: SyncScorer | None = None) -> MouthAudioSync:
    """The offset of a clip's mouth from its sound, and how sure that is.

    Args:
        frames: uint8 `[T,S,S,3]`, aligned as a store's are, at 25 fps.
        audio: float32 `[N]` mono at 16 kHz.
        scorer: `bundled_scorer()` where None.

    Raises:
        InputError: frames of another shape, fewer than 26 of them, or a sound that is not finite.
    """
    if frames.ndim != 4 or frames.shape[1] != frames.shape[2] or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise InputError(f"mouth-audio sync needs square uint8 frames [T,S,S,3], not {frames.dtype} {frames.shape}")
    if len(frames) < SHORTEST:
        raise InputError(f"mouth-audio sync needs {SHORTEST} frames, the video has {len(frames)}; score longer clips")
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise InputError("mouth-audio sync needs mono sound of finite samples; decode the sound again")
    curve = agreement(*directions(frames, audio.astype(np.float32), scorer or bundled_scorer()))
    best = int(curve.argmax())
    return MouthAudioSync(best - REACH, float(curve[best] - np.median(curve)), curve)


@functools.cache
def bundled_scorer() -> SyncScorer:
    """The scorer that comes with the package. Raises `ModelError` where its file is missing or damaged."""
    return load_scorer(Path(str(resources.files("viseme") / "bundled" / "sync_scorer.safetensors")))


def load_scorer(path: Path) -> SyncScorer:
    """Read a scorer that `tools/train_sync.py` wrote. Raises `ModelError` where it is none."""
    file = read_model(path)
    known = {name: file.config[name] for name in asdict(SyncConfig()) if name in file.config}
    scorer = SyncScorer(SyncConfig(**known))
    load_weights(scorer, file.weights, str(path))
    return scorer.eval()
