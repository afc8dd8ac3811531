"""The configuration of a run: frozen, complete, and refusing any field it does not know.

`Config` is a union discriminated by `kind`; each family brings its network, its objective and its sampling, and shares
audio, data and training with the other. A field marked "assumed" is one that the paper leaves open.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import yaml
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


class Section(BaseModel):
    """A frozen part of a configuration that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AudioConfig(Section):
    """How sound becomes one feature vector a video frame."""

    kind: Literal["mel", "learned", "sda", "wav2vec2", "hubert", "whisper"] = "mel"
    """mel: log-mel columns; learned: a network above them, trained with the model; sda: the paper's pretrained encoder;
    the others: a pretrained speech encoder of transformers."""
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
        if self.checkpoint and self.kind in ("mel", "learned"):
            raise ValueError(f"checkpoint belongs to a pretrained encoder, and {self.kind} has none")
        if self.layer is not None and self.kind in ("mel", "learned", "sda"):
            raise ValueError(f"layer belongs to a speech encoder of transformers, and {self.kind} is none")
        return self


class DataConfig(Section):
    """What training draws from a store."""

    size: PositiveInt = 64
    """Height and width in pixels; divides the store's size."""
    window: PositiveInt = 1
    """L, frames made in one training window."""
    warmup: NonNegativeInt = 0
    """Frames of sound alone before the window, over which a recurrent model finds its state."""
    flip: Probability = 0.5
    """Share of windows mirrored left to right."""
    colour: NonNegativeFloat = 0.15
    """Strength of the colour jitter: brightness, contrast, saturation and tint, one draw a window."""
    tract: NonNegativeFloat = 0.0
    """Largest stretch of a window's mel bands, as another vocal tract would give them: 0.12 is plus or minus 12 %."""
    tilt: NonNegativeFloat = 0.0
    """Height of a smooth random curve over a window's log-mel bands, as another microphone would add."""
    mouth_margin: NonNegativeFloat = 5 / 64
    """How far the mouth box reaches past points 48-67, as a share of the picture (Diffused Heads: 5 of 64 pixels)."""


def _bands_to_change(audio: AudioConfig, data: DataConfig) -> None:
    if audio.kind not in ("mel", "learned") and (data.tract or data.tilt):
        raise ValueError(f"data.tract and data.tilt change mel bands, and audio.kind {audio.kind} gives none")


class TrainingConfig(Section):
    """The loop: how long, how fast, and what is kept."""

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
    clip_norm: NonNegativeFloat = 1.0
    """Gradient norm limit of the model; 0 sets none."""
    ema: Probability = 0.999
    """Decay of the moving average that is exported; its beginning is corrected as (1 + n) / (10 + n)."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False
    """Whether networks pass through torch.compile: slow to begin, then faster."""
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


class UNetConfig(Section):
    """The denoiser: guided-diffusion's U-Net with one FiLM per signal (paper section 4.2.2, Table 1)."""

    patch: PositiveInt = 1
    """Pixels folded into channels before the first convolution: 2 works at half the resolution."""
    base: PositiveInt = 192
    multipliers: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2, 3, 4)
    blocks: PositiveInt = 3
    heads: PositiveInt = 8
    attention: tuple[NonNegativeInt, ...] = ()
    """Resolutions with self-attention, as indices of `multipliers`, beside the middle block's."""
    dropout: Probability = 0.0
    landmarks: bool = False
    """Whether the 68 points drive the network too."""

    @model_validator(mode="after")
    def _attention_fits(self) -> Self:
        levels = len(self.multipliers)
        for level in (*self.attention, levels - 1):
            if level >= levels:
                raise ValueError(f"attention={level}: multipliers has {levels} resolutions; choose 0 to {levels - 1}")
            channels = self.base * self.multipliers[level]
            if channels % self.heads:
                raise ValueError(f"heads={self.heads} does not divide the {channels} channels of resolution {level}")
        return self


class DiffusionConfig(Section):
    """The noising process and what the network predicts."""

    steps: PositiveInt = 250
    schedule: Literal["cosine", "linear"] = "cosine"
    zero_terminal_snr: bool = False
    """Leave no signal at the noisiest timestep (Lin et al. 2023)."""
    prediction: Literal["eps", "x0", "v"] = "eps"
    residual: bool = False
    """Predict x0 as a change of the identity frame (with prediction x0)."""

    @model_validator(mode="after")
    def _prediction_says_x0(self) -> Self:
        if self.zero_terminal_snr and self.prediction == "eps":
            raise ValueError("zero_terminal_snr leaves nothing to learn x0 from eps; set prediction to v or x0")
        if self.residual and self.prediction != "x0":
            raise ValueError(f"residual changes the identity frame into x0, not into {self.prediction}; set it false")
        return self


LPIPS_SMALLEST = 31
"""Pixels a side of what LPIPS can see; in a smaller picture AlexNet's second pooling has nothing left to pool."""


class PerceptualLossConfig(Section):
    """What both families' losses share: the paper's future work, by networks trained to see (assumed)."""

    lpips: NonNegativeFloat = 0.0
    """Weight of LPIPS to the true frame."""
    identity: NonNegativeFloat = 0.0
    """Weight of 1 - cos of dlib's face descriptors of made and true frame."""


def _seen_by_lpips(loss: PerceptualLossConfig, data: DataConfig) -> None:
    if loss.lpips and data.size < LPIPS_SMALLEST:
        raise ValueError(
            f"data.size={data.size} is too small for loss.lpips, which needs {LPIPS_SMALLEST} pixels; "
            "set loss.lpips to 0 or data.size larger"
        )


class DiffusionLossConfig(PerceptualLossConfig):
    """Squared error in what is predicted, weighted by place and by timestep; the perceptual terms judge its x0."""

    mouth_weight: PositiveFloat = 1.2
    """Weight inside the mouth box; 1 elsewhere (paper section 4.2.2)."""
    l1: NonNegativeFloat = 0.0
    """Weight of an added absolute error."""
    min_snr: NonNegativeFloat = 0.0
    """gamma of min-SNR weighting (Hang et al. 2023); 0 weights all timesteps alike."""
    snr_floor: NonNegativeFloat = 0.0
    """Least weight of an x0 error under min-SNR weighting."""


class MotionConfig(Section):
    """What happens to the motion frame in training, so that the sound is not left unread."""

    drop: Probability = 0.0
    """Share of samples in which the identity frame stands in its place."""
    noise: NonNegativeFloat = 0.0
    """Largest standard deviation of Gaussian noise added to it, drawn evenly from 0."""


class DiffusionSampling(Section):
    """How frames are drawn from the trained denoiser."""

    sampler: Literal["ddpm", "ddim", "dpmpp_2m"] = "ddim"
    """ddpm: ancestral; dpmpp_2m: DPM-Solver++(2M), good in few steps."""
    steps: PositiveInt = 50
    eta: Probability = 0.0
    """Share of the ancestral noise that ddim puts back at each step."""
    variance: Literal["beta", "beta_tilde"] = "beta_tilde"
    """Of the noise that ddpm puts back at each step (assumed)."""
    spacing: Literal["leading", "trailing", "linspace", "quadratic"] = "trailing"
    """Which timesteps are visited where they are fewer than training had (assumed)."""
    clamp: Literal["none", "static"] = "static"
    """Whether the estimate of x0 is held to [-1, 1] at each step."""
    noise: Literal["fresh", "shared"] = "fresh"
    """Starting noise drawn anew for each frame, or once a clip, which keeps texture still."""
    motion: Literal["previous", "identity"] = "previous"
    """What stands in the motion frame's place: the frame made before, or the identity frame."""
    precision: Precision = "32-true"

    @model_validator(mode="after")
    def _noise_is_put_back_by_eta(self) -> Self:
        if self.eta and self.sampler != "ddim":
            raise ValueError(f"eta={self.eta} belongs to ddim, and sampler is {self.sampler}; set eta to 0")
        return self


class DdpmConfig(Section):
    """A conditional DDPM."""

    kind: Literal["ddpm"] = "ddpm"
    name: str = "ddpm"
    audio: AudioConfig = AudioConfig()
    data: DataConfig = DataConfig()
    model: UNetConfig = UNetConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    loss: DiffusionLossConfig = DiffusionLossConfig()
    motion: MotionConfig = MotionConfig()
    sampling: DiffusionSampling = DiffusionSampling()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _sound_can_be_changed(self) -> Self:
        _bands_to_change(self.audio, self.data)
        return self

    @model_validator(mode="after")
    def _frames_can_be_seen(self) -> Self:
        _seen_by_lpips(self.loss, self.data)
        return self

    @model_validator(mode="after")
    def _pictures_can_be_halved(self) -> Self:
        least = self.model.patch * 2 ** (len(self.model.multipliers) - 1)
        if self.data.size % least:
            raise ValueError(f"data.size={self.data.size} does not divide by {least}, patch times all halvings")
        return self


class GeneratorConfig(Section):
    """Identity encoder, LSTM over frames, upsampling CNN (paper section 4.1.1)."""

    identity: Literal["vector", "skip"] = "vector"
    """vector: the photo reaches the picture through one embedding, as in the paper; skip: its feature maps do too, and
    the network draws the change from the photo."""
    width: PositiveInt = 32
    """Channels at full size; they double with each halving."""
    max_width: PositiveInt = 256
    hidden: PositiveInt = 256
    """LSTM state (assumed)."""
    layers: PositiveInt = 1
    noise: NonNegativeInt = 16
    """Numbers of noise a frame (assumed)."""


class DiscriminatorConfig(Section):
    """The 3D CNN that judges a window, the identity frame stacked as channels, the sound joined half way (assumed)."""

    width: PositiveInt = 32
    audio_width: PositiveInt = 32
    learning_rate: PositiveFloat = 5e-5


class GanLossConfig(PerceptualLossConfig):
    """L_G = adversarial + lambda_pixel L1 (paper section 4.1.3) + the perceptual terms; the values are assumed."""

    adversarial: NonNegativeFloat = 1.0
    pixel: NonNegativeFloat = 100.0
    mouth_weight: PositiveFloat = 1.0
    """Weight of the pixel term inside the mouth box."""
    adversary_from: NonNegativeInt = 0
    """The step at which the adversary joins."""


class GanSampling(Section):
    """How frames are drawn from the generator."""

    noise: NonNegativeFloat = 1.0
    """Standard deviation of the noise vector."""
    precision: Precision = "32-true"


class GanConfig(Section):
    """A conditional GAN."""

    kind: Literal["gan"] = "gan"
    name: str = "gan"
    audio: AudioConfig = AudioConfig()
    data: DataConfig = DataConfig(window=8)
    model: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    loss: GanLossConfig = GanLossConfig()
    sampling: GanSampling = GanSampling()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _only_a_unet_computes_again(self) -> Self:
        if self.training.checkpoint_activations:
            raise ValueError("training.checkpoint_activations belongs to the U-Net of kind ddpm; set it false")
        return self

    @model_validator(mode="after")
    def _sound_can_be_changed(self) -> Self:
        _bands_to_change(self.audio, self.data)
        return self

    @model_validator(mode="after")
    def _frames_can_be_seen(self) -> Self:
        _seen_by_lpips(self.loss, self.data)
        return self


Config = Annotated[DdpmConfig | GanConfig, Field(discriminator="kind")]


def to_yaml(config: DdpmConfig | GanConfig) -> str:
    """The whole resolved configuration as YAML that `load_config` reads back to an equal one."""
    return yaml.safe_dump(to_dict(config), sort_keys=False)


def to_dict(config: DdpmConfig | GanConfig) -> dict[str, Any]:
    """The whole resolved configuration as JSON types."""
    return config.model_dump(mode="json")
