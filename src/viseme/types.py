"""The few types that everything else is written in: what a clip is, what drives a model, and the two protocols.

A `Synthesizer` turns conditioning into frames, whatever the family; an `Objective` turns a batch into one optimisation
step, whatever the number of networks. `training` and `generation` know models through these two protocols alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric

FPS = 25
"""Video frames a second, everywhere past the decoder."""
SAMPLE_RATE = 16_000
"""Audio samples a second, mono, everywhere past the decoder."""
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
"""640: frame t is heard in samples [640 t, 640 (t + 1))."""

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance of one actor, aligned and resampled.

    Attributes:
        clip_id: unique within its store.
        actor: who speaks; splits are made by it.
        frames: uint8 `[T,H,W,3]` RGB at 25 fps.
        audio: float32 `[640 T]` mono in [-1, 1] at 16 kHz.
        landmarks: float32 `[T,68,2]` (x, y) in pixels of `frames`, or None.
        known: what the corpus says besides: sentence, emotion, level, split.
    """

    clip_id: str
    actor: str
    frames: UInt8
    audio: Float32
    landmarks: Float32 | None = None
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What drives a rollout of T frames.

    Attributes:
        identity: uint8 `[H,W,3]`, the identity frame; frame 0 of the rollout.
        audio: float32 `[T,D]`, one feature vector a frame, as `Synthesizer.encode` gives them.
        landmarks: float32 `[T,68,2]` in pixels of `identity`, or None.
        clip_id: the clip it was taken from, empty for a photo and a voice.
    """

    identity: UInt8
    audio: Float32
    landmarks: Float32 | None = None
    clip_id: str = ""

    @property
    def frames(self) -> int:
        """T, frame 0 included."""
        return len(self.audio)

    def without(self, signal: Literal["audio", "landmarks"]) -> Conditioning:
        """The same conditioning with one signal taken away: landmarks None, or audio features all zero."""
        if signal == "landmarks":
            return replace(self, landmarks=None)
        return replace(self, audio=np.zeros_like(self.audio))


@runtime_checkable
class Synthesizer(Protocol):
    """A trained model of either family, or a control, ready to make frames."""

    @property
    def name(self) -> str:
        """How manifests and reports call it."""

    @property
    def size(self) -> int:
        """Height and width of its frames in pixels."""

    def encode(self, audio: Float32, frames: int) -> Float32:
        """Audio features float32 `[frames,D]` of mono 16 kHz samples `[S]`."""

    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        """Yield frames 1, 2, ... of all clips as uint8 `[B,H,W,3]`, one time step after another.

        It ends with the longest clip; past its own end a shorter clip's rows hold no meaning. Frame 0 is the identity
        frame and is not yielded.
        """


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of training windows of L frames; images are float32 in [-1, 1].

    Attributes:
        identity: `[B,3,H,W]`, a random other frame of the same clip.
        motion: `[B,3k,H,W]`, the k true frames before the window stacked as channels, oldest first; the identity frame
            where the clip has none. k is `data.motion_frames`, 1 unless told otherwise.
        frames: `[B,L,3,H,W]`, the window itself: what is to be made.
        audio: `[B,W+L,(2c+1)D]`, features with c frames of context each side, W warm-up frames before the window.
        landmarks: `[B,L,68,2]`, xy / size * 2 - 1.
        mouth: `[B,L,1,H,W]`, 1 in the mouth box (points 48-67, widened), 0 elsewhere.
        identity_landmarks: `[B,68,2]`, those of the identity frame, scaled as `landmarks`.
        landmarks_before: `[B,W,68,2]`, those of the warm-up frames; of the clip's first where it has none.
    """

    identity: torch.Tensor
    motion: torch.Tensor
    frames: torch.Tensor
    audio: torch.Tensor
    landmarks: torch.Tensor
    mouth: torch.Tensor
    identity_landmarks: torch.Tensor
    landmarks_before: torch.Tensor


class Stateful(Protocol):
    """Anything a checkpoint keeps: networks and optimizers."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Objective(Protocol):
    """What is optimised. The trainer never learns how many networks or optimizers stand behind it."""

    @property
    def model(self) -> torch.nn.Module:
        """The network that generation needs; its moving average is what a run exports."""

    def setup(self, fabric: Fabric) -> None:
        """Move networks and optimizers to the device and wrap them for the strategy."""

    def step(self, batch: Batch, rng: torch.Generator) -> dict[str, torch.Tensor]:
        """One optimisation step: forward, `fabric.backward`, own optimizers. Returns scalars to log."""

    def validate(self, batch: Batch, rng: torch.Generator) -> dict[str, torch.Tensor]:
        """The scalars of one batch of held-out windows, without gradient."""

    def state(self) -> dict[str, Stateful]:
        """Everything that must be saved to carry on exactly, by name."""
