"""The sections of a configuration that every family shares: sound, data, the loop, and losses that see.

A field marked "assumed" is one that the paper leaves open.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Precision = Literal["32-true", "bf16-mixed"]
HISTORY = 6
"""Poses that the next one is told from (model.pose)."""


class Section(BaseModel):
    """A frozen part of a configuration that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AudioConfig(Section):
    """How sound becomes one feature vector a video frame."""

    kind: Literal["mel", "learned", "lips", "sda", "wav2vec2", "hubert", "whisper"] = "mel"
    """mel: log-mel columns; learned: a network above them, trained with the model; lips: our own bundled encoder, which
    says how the mouth is shaped; sda: the paper's pretrained encoder; the others: a speech encoder of transformers."""
    bands: Annotated[int, Field(ge=2)] = 40
    """Mel bands (mel, learned); each frame holds four columns of them, 10 ms apart."""
    context: NonNegativeInt = 2
    """Frames of context each side that a model sees with its own."""
    checkpoint: str = ""
    """Weights of a pretrained encoder: a file (sda), a folder or a name on the hub (the others); its default where
    empty."""
    layer: NonNegativeInt | None = None
    """Whose hidden states a speech encoder gives, 0 those before the first; the last where unset."""

    @model_validator(mode="after")
    def _only_what_counts(self) -> Self:
        if self.checkpoint and self.kind in ("mel", "learned", "lips"):
            raise ValueError(f"checkpoint belongs to an encoder whose weights are brought, and {self.kind} has none")
        if self.layer is not None and self.kind in ("mel", "learned", "lips", "sda"):
            raise ValueError(f"layer belongs to a speech encoder of transformers, and {self.kind} is none")
        return self


class DataConfig(Section):
    """What training draws from a store."""

    size: PositiveInt = 64
    """Height and width in pixels; divides the store's size."""
    window: PositiveInt = 1
    """L, frames made in one training window."""
    motion_frames: PositiveInt = 1
    """k, frames before the window that a denoiser sees as motion frames; the identity frame where there are none."""
    warmup: NonNegativeInt = 0
    """Frames of sound alone before the window, over which a recurrent model finds its state."""
    shuffle_shards: NonNegativeInt = 0
    """Shards that each place of the batch shuffles together: every clip once an epoch, for corpora too large to be read
    at random. 0 draws each window from all clips."""
    flip: Probability = 0.5
    """Share of windows mirrored left to right."""
    colour: NonNegativeFloat = 0.15
    """Strength of the colour jitter: brightness, contrast, saturation and tint, one draw a window."""
    background: Probability = 0.0
    """Share of windows whose background is replaced, where it is a screen or a plain wall."""
    backgrounds: str = ""
    """Folder of pictures that replace it; plain colours, gradients and soft blobs are drawn where empty."""
    rotation: Annotated[float, Field(ge=0.0, le=45.0)] = 0.0
    """Largest turn of a window either way, in degrees."""
    scale: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How much larger or smaller a window's face may be: 0.1 is from 1 / 1.1 to 1.1 times."""
    shift: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Largest shift of a window in x and in y, as a share of the picture."""
    bend: Annotated[float, Field(ge=0.0, le=0.1)] = 0.0
    """Largest displacement by which a window's pictures are smoothly bent, as a share of the picture: another face."""
    even_actors: bool = False
    """Draw every actor as often as any other, however many clips each has, instead of every clip."""
    tract: NonNegativeFloat = 0.0
    """Largest stretch of a window's mel bands, as another vocal tract would give them: 0.12 is plus or minus 12 %."""
    tilt: NonNegativeFloat = 0.0
    """Height of a smooth random curve over a window's log-mel bands, as another microphone would add."""
    mouth_margin: NonNegativeFloat = 5 / 64
    """How far the mouth box reaches past points 48-67, as a share of the picture (Diffused Heads: 5 of 64 pixels)."""

    @model_validator(mode="after")
    def _clips_are_drawn_in_one_way(self) -> Self:
        if self.even_actors and self.shuffle_shards:
            raise ValueError("even_actors draws clips anew, and shuffle_shards each once an epoch; choose one")
        return self

    @model_validator(mode="after")
    def _backgrounds_serve(self) -> Self:
        if self.backgrounds and not self.background:
            raise ValueError("backgrounds are never shown while background is 0; set it to a share of windows")
        return self


class TrainingConfig(Section):
    """The loop: where it begins, how long, how fast, and what is kept."""

    init: str = ""
    """Weights to begin from: a run folder, a .safetensors file or a bundled model's name; fresh ones where empty."""
    steps: PositiveInt = 2000
    batch_size: PositiveInt = 32
    """Windows a step, over all processes and parts."""
    accumulate: PositiveInt = 1
    """Parts in which each process learns its share of a step's windows one after another, to need less memory."""
    learning_rate: PositiveFloat = 5e-5
    warmup_steps: NonNegativeInt = 0
    """Steps over which the learning rate rises linearly from nothing."""
    decay_steps: NonNegativeInt = 0
    """Steps at the end over which the learning rate falls along a cosine to nothing; 0 keeps it constant."""
    weight_decay: NonNegativeFloat = 0.0
    betas: tuple[Probability, Probability] = (0.9, 0.999)
    epsilon: PositiveFloat = 1e-8
    """AdamW's: gradients far below it make no step. At 1e-8 one that is zero but for rounding makes a whole one, and
    runs whose sums are rounded differently part by up to a learning rate a step there; 1e-3 keeps them together."""
    clip_norm: NonNegativeFloat = 1.0
    """Gradient norm limit of the model; 0 sets none."""
    ema: Probability = 0.999
    """Decay of the moving average that is exported; its beginning is corrected as (1 + n) / (10 + n)."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False
    """Whether networks pass through torch.compile: slow to begin, then faster."""
    channels_last: bool = False
    """Whether pictures lie in memory as NHWC, which the tensor cores of a GPU are fed with."""
    checkpoint_activations: bool = False
    """Whether the U-Net's residual blocks are computed again in the backward pass instead of kept."""
    seed: NonNegativeInt = 0
    log_every: PositiveInt = 10
    validate_every: PositiveInt = 200
    validation_batches: PositiveInt = 4
    best_by: str = "loss"
    """The validation's scalar that chooses best.safetensors, of rollouts as rollout/NAME."""
    patience: NonNegativeInt = 0
    """Validations in a row without a better one after which the run ends; 0 never ends it."""
    rollout_clips: NonNegativeInt = 2
    """Held-out clips that each validation makes from one frame, scores and films; 0 makes none."""
    rollout_frames: Annotated[int, Field(ge=2)] = 50
    """Frames of each, at most."""
    logger: Literal["tensorboard", "wandb"] = "tensorboard"
    """wandb: Weights & Biases beside TensorBoard, which is always written."""
    checkpoint_every: PositiveInt = 200
    keep_checkpoints: PositiveInt = 2


LPIPS_SMALLEST = 31
"""Pixels a side of what LPIPS can see; in a smaller picture AlexNet's second pooling has nothing left to pool."""


class PerceptualLossConfig(Section):
    """What both families' losses share: the paper's future work, by networks trained to see (assumed)."""

    lpips: NonNegativeFloat = 0.0
    """Weight of LPIPS to the true frame."""
    identity: NonNegativeFloat = 0.0
    """Weight of 1 - cos of dlib's face descriptors of made and true frame."""
    detail: NonNegativeFloat = 0.0
    """Weight of how far the mean of |Laplacian| in squares of 8 pixels lies from the true frame's: as sharp as truth,
    if not in the same pixels, so that it does not pay to blur what cannot be known to a pixel (assumed)."""


class SamplingConfig(Section):
    """How frames are drawn, as far as the families share it."""

    pose: NonNegativeFloat = 1.0
    """How far head, lids and brows go, times what is drawn for them; 0 keeps them as in the photo (model.pose)."""
    articulation: PositiveFloat = 1.0
    """What the features of the sound are multiplied by: above 1, mouths move further (audio.kind lips)."""
    precision: Precision = "32-true"


def parts_fit(config: Any) -> Any:
    """What no section of a family's configuration can see alone.

    Raises:
        ValueError: sound, windows or pictures that augmentation, a pose's prior or a loss cannot work on.
    """
    audio, data = config.audio, config.data
    if audio.kind not in ("mel", "learned") and (data.tract or data.tilt):
        raise ValueError(f"data.tract and data.tilt change mel bands, and audio.kind {audio.kind} gives none")
    if config.sampling.articulation != 1 and audio.kind != "lips":
        raise ValueError(
            f"sampling.articulation={config.sampling.articulation} makes lips move further, and audio.kind "
            f"{audio.kind} says nothing of them; set it to 1"
        )
    if config.model.pose and data.warmup + data.window <= HISTORY:
        raise ValueError(
            f"model.pose tells the next pose from {HISTORY} before, more than data.warmup={data.warmup} and "
            f"data.window={data.window} leave; set data.warmup to {HISTORY} or more"
        )
    if config.loss.lpips and data.size < LPIPS_SMALLEST:
        raise ValueError(
            f"data.size={data.size} is too small for loss.lpips, which needs {LPIPS_SMALLEST} pixels; "
            "set loss.lpips to 0 or data.size larger"
        )
    return config
