"""The configuration of a conditional GAN: generator, discriminator, loss, and how frames are drawn from it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from viseme.config.sections import (
    AudioConfig,
    DataConfig,
    PerceptualLossConfig,
    Precision,
    Section,
    TrainingConfig,
    parts_fit,
)


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

    _fits = model_validator(mode="after")(parts_fit)

    @model_validator(mode="after")
    def _only_a_unet_computes_again(self) -> Self:
        if self.training.checkpoint_activations:
            raise ValueError("training.checkpoint_activations belongs to the U-Net of kind ddpm; set it false")
        return self

    @model_validator(mode="after")
    def _no_motion_frames(self) -> Self:
        if self.data.motion_frames > 1:
            raise ValueError(
                f"data.motion_frames={self.data.motion_frames}: a GAN remembers in its LSTM and sees none; set it to 1"
            )
        return self
