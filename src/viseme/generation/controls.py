"""Controls: synthesizers that make nothing, by which scores are read. Each runs through the same writer as a model.

- `frozen`: the identity frame repeated. What a score gives for no motion at all.
- `reencoded`: the true frames. What the writer and the size alone cost.
- `shifted:K`: the true frames, their sound delayed by K frames (K below 0: early). What a score gives for bad sync.
- `blurred:SIGMA`: the true frames under a Gaussian of SIGMA pixels. What a score gives for perfect motion without
  detail; a judge of sync that prefers blurred truth to truth rewards blur.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import cv2
import numpy as np

from viseme.data.store import Store
from viseme.data.video import read_video
from viseme.errors import ConfigError, InputError, StoreError
from viseme.generation.writer import VideoWriter
from viseme.types import SAMPLES_PER_FRAME, Conditioning, Float32, Synthesizer, UInt8

if TYPE_CHECKING:
    import torch

NAMES = ("frozen", "reencoded", "shifted:K", "blurred:SIGMA")


@runtime_checkable
class ChangesSound(Protocol):
    """A synthesizer whose videos carry other sound than they were given."""

    def sound(self, audio: Float32) -> Float32:
        """The sound to write, float32 `[S]`, for the sound given, `[S]`."""


class _Control:
    """What controls share: they hear nothing."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.control = name

    def encode(self, audio: Float32, frames: int) -> Float32:
        """Zeros `[frames,1]`."""
        return np.zeros((frames, 1), np.float32)


class Frozen(_Control):
    """The identity frame, again and again."""

    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        identities = np.stack([c.identity for c in conditionings])
        for _ in range(1, max(c.frames for c in conditionings)):
            yield identities


class Reencoded(_Control):
    """The true frames of each conditioning's clip, one time step after another."""

    def __init__(self, name: str, store: Store, size: int) -> None:
        super().__init__(name, size)
        self._store = store

    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        for c in conditionings:
            if not c.clip_id:
                raise InputError(f"{self.name}: replays clips of a store; a photo and a voice are none")
        for t in range(1, max(c.frames for c in conditionings)):
            yield np.stack([self._store.frame(c.clip_id, min(t, c.frames - 1), size=self.size) for c in conditionings])


class Shifted(Reencoded):
    """The true frames with their sound delayed by whole frames."""

    def __init__(self, name: str, store: Store, size: int, delay: int) -> None:
        super().__init__(name, store, size)
        self._samples = delay * SAMPLES_PER_FRAME

    def sound(self, audio: Float32) -> Float32:
        """`[S]` samples later by the delay, silence before them; earlier, with silence after, if it is negative."""
        late = np.zeros_like(audio)
        kept = max(0, len(audio) - abs(self._samples))
        if self._samples >= 0:
            late[len(audio) - kept :] = audio[:kept]
        else:
            late[:kept] = audio[len(audio) - kept :]
        return late


class Blurred(Reencoded):
    """The true frames, each blurred by itself; frame 0, the identity frame, stays as it is."""

    def __init__(self, name: str, store: Store, size: int, sigma: float) -> None:
        super().__init__(name, store, size)
        self._sigma = sigma

    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        for frames in super().synthesize(conditionings, rng):
            yield blurred(frames, self._sigma)


def blurred(frames: UInt8, sigma: float) -> UInt8:
    """Frames uint8 `[B,H,W,3]` under a Gaussian of `sigma` pixels, mirrored at the border, rounded to the nearest."""
    smooth = [cv2.GaussianBlur(f.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101) for f in frames]
    return np.asarray(np.rint(np.stack(smooth)), dtype=np.uint8)


def shown(frames: UInt8, sigma: float) -> UInt8:
    """What a video of the control `blurred` shows of a true clip uint8 `[T,S,S,3]`: frames 1, 2, ..., `[T-1,S,S,3]`."""
    size = frames.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blurred.mp4"
        with VideoWriter(path, size, np.zeros(0, np.float32), metadata={}) as writer:
            for frame in (frames[0], *blurred(frames[1:], sigma)):
                writer.write(frame)
        return read_video(path)[1:]


def control(name: str, store: Store, size: int) -> Synthesizer:
    """A control by its name, with or without the `control:` of the command line.

    Args:
        name: `frozen`, `reencoded`, `shifted:K` or `blurred:SIGMA`.
        store: whose clips it replays.
        size: of its frames in pixels; divides the store's.

    Raises:
        ConfigError: an unknown name.
        StoreError: a size that the store cannot give.
    """
    name = name.removeprefix("control:")
    if size < 1 or store.info.size % size:
        raise StoreError(f"{store.path}: frames of {store.info.size} pixels cannot be given at {size}; give a divisor")
    if name == "frozen":
        return Frozen(name, size)
    if name == "reencoded":
        return Reencoded(name, store, size)
    kind, _, value = name.partition(":")
    try:
        if kind == "shifted" and int(value) != 0:
            return Shifted(f"shifted:{int(value)}", store, size, int(value))
        if kind == "blurred" and 0 < float(value) <= size:
            return Blurred(f"blurred:{float(value):g}", store, size, float(value))
    except ValueError:
        pass
    raise ConfigError(
        f"control:{name}: no such control; there are {', '.join(NAMES)} "
        "(K whole frames, not 0; SIGMA pixels, above 0 and at most the size)"
    )
