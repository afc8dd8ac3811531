"""A synthesizer's frames for several clips at once, from frame 0 on, checked and timed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from viseme.errors import ModelError
from viseme.generation.landmarks import MovesLandmarks
from viseme.types import Conditioning, Float32, Synthesizer, UInt8

if TYPE_CHECKING:
    import torch


class Stopwatch:
    """Adds up the seconds that a synthesizer takes, whatever is done with its frames in between."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, frames: Iterator[UInt8]) -> Iterator[UInt8]:
        """The same frames."""
        while True:
            start = time.perf_counter()
            frame = next(frames, None)
            self.seconds += time.perf_counter() - start
            if frame is None:
                return
            yield frame


def condition(
    synthesizer: Synthesizer,
    identity: UInt8,
    sound: Float32,
    frames: int,
    *,
    landmarks: Float32 | None = None,
    moved_from: Float32 | None = None,
    clip_id: str = "",
) -> Conditioning:
    """What drives a rollout of `frames` frames from an identity frame `[S,S,3]` and sound float32 `[640 frames]`.

    Landmarks are given, float32 `[frames,68,2]` in pixels of the identity frame, or moved by the sound from its own
    points, `[68,2]`, where the synthesizer can do so (`landmarks.MovesLandmarks`), or there are none.

    Raises:
        ModelError: the synthesizer's features are not finite float32 `[frames,D]`.
    """
    features = synthesizer.encode(sound, frames)
    if features.dtype != np.float32 or features.ndim != 2 or len(features) != frames:
        raise ModelError(
            f"{synthesizer.name}: encode gave {features.dtype} {list(features.shape)}, expected float32 [{frames},D]"
        )
    if not np.isfinite(features).all():
        raise ModelError(f"{synthesizer.name}: encode gave features that are not finite")
    if moved_from is not None and isinstance(synthesizer, MovesLandmarks):
        landmarks = synthesizer.landmarks_from_sound(features, moved_from)
    return Conditioning(identity, features, landmarks, clip_id)


def rollout(
    synthesizer: Synthesizer,
    conditionings: Sequence[Conditioning],
    rng: torch.Generator,
    watch: Stopwatch | None = None,
) -> Iterator[UInt8]:
    """Yield frames 0, 1, ... of all clips, uint8 `[B,S,S,3]`, up to the end of the longest.

    Frame 0 is the identity frame. Past its own end a shorter clip's row holds no meaning. `watch` counts the time that
    the synthesizer takes.

    Raises:
        ModelError: frames of another shape or dtype, or too few or too many of them.
    """
    identities = np.stack([c.identity for c in conditionings])
    size, name = synthesizer.size, synthesizer.name
    if identities.shape[1:] != (size, size, 3) or identities.dtype != np.uint8:
        raise ModelError(
            f"{name}: identity frames are {identities.dtype} {list(identities.shape[1:])}, "
            f"it needs uint8 [{size},{size},3]"
        )
    yield identities
    wanted, given = max(c.frames for c in conditionings) - 1, 0
    made = synthesizer.synthesize(conditionings, rng)
    for frames in made if watch is None else watch.timed(made):
        given += 1
        if given > wanted:
            raise ModelError(f"{name}: synthesize gave more than the {wanted} frames of its longest clip")
        if frames.shape != identities.shape or frames.dtype != np.uint8:
            raise ModelError(
                f"{name}: synthesize gave {frames.dtype} {list(frames.shape)}, expected uint8 {list(identities.shape)}"
            )
        yield frames
    if given < wanted:
        raise ModelError(f"{name}: synthesize stopped after {given} of {wanted} frames")


def generator(seed: int, stream: int) -> torch.Generator:
    """A generator of its own for each pair of a seed and a stream (a batch's number), on the CPU."""
    import torch

    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
