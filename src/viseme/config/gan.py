"""The configuration of a conditional GAN: generator, discriminator, loss, and how frames are drawn from it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from viseme.config.sections import (
    AudioConfig,
    DataConfig,
    PerceptualLossConfig,
    Probability,
    SamplingConfig,
    Section,
    TrainingConfig,
    parts_fit,
)


class GeneratorConfig(Section):
    """Identity encoder, LSTM over frames, upsampling CNN (paper section 4.1.1)."""

    identity: Literal["vector", "skip"] = "vector"
    """vector: the photo reaches the picture through one embedding, as in the paper; skip: its feature maps do too, and
    the network draws the change from the photo."""
    backbone: Literal["none", "resnet18", "lite0"] = "none"
    """What the embedding is taken from: a network trained with the generator; the paper's ResNet-18 of ImageNet; or
    EfficientNet-Lite0, likewise of ImageNet, whose weights come with its package."""
    backbone_tuned: bool = False
    """Whether a pretrained backbone learns with the generator (assumed: it does not); its batch norms never do."""
    decoder: Literal["film", "plain"] = "film"
    """film: the LSTM's output, with the frame's own sound beside it, modulates every block of the upsampling CNN;
    plain: the LSTM's output is its input and nothing else, as in the paper."""
    warp: bool = False
    """Whether the photo is also bent by a flow field that the network draws, so that detail moves instead of being
    painted anew (identity: skip)."""
    warp_filter: Literal["bilinear", "lanczos"] = "bilinear"
    """How the bent photo is read between pixels: half a pixel away, bilinear leaves a third of a 64-pixel face's
    sharpness (variance of the Laplacian) and lanczos four fifths."""
    pose: bool = False
    """Whether roll and shift of the head, lids and brows are an input (`viseme.pose`), which moves the photo before
    the flow field does (warp: true) and is drawn from a prior learned beside, instead of being left to the noise."""
    width: PositiveInt = 32
    """Channels at full size; they double with each halving."""
    max_width: PositiveInt = 256
    hidden: PositiveInt = 256
    """LSTM state (assumed)."""
    layers: PositiveInt = 1
    noise: NonNegativeInt = 16
    """Numbers of noise a frame (assumed)."""
    noise_memory: Probability = 0.0
    """Correlation of successive frames' noise: 0 draws each frame's anew, 1 draws one vector for a whole clip, and
    between them the noise wanders, as a head does; the paper's is one vector, as far as it says."""


class DiscriminatorConfig(Section):
    """The 3D CNN that judges a window, the identity frame stacked as channels, the sound joined half way (assumed)."""

    width: PositiveInt = 32
    audio_width: PositiveInt = 32
    learning_rate: PositiveFloat = 5e-5
    steps: PositiveInt = 1
    """Steps it takes for each of the generator's, on the same windows."""
    spectral_norm: bool = False
    """Whether each of its layers is divided by its largest singular value (Miyato et al. 2018)."""
    augment: Probability = 0.0
    """Strength of the colour and translation with which it is shown true and made windows alike (DiffAugment, Zhao et
    al. 2020); 1 is that paper's."""
    mouth: bool = False
    """Whether a second network of the same kind judges the mouth, half the picture wide, with the sound."""


class GanLossConfig(PerceptualLossConfig):
    """L_G = adversarial + lambda_pixel L1 (paper section 4.1.3) + the perceptual terms; the values are assumed."""

    kind: Literal["bce", "hinge"] = "bce"
    """bce: as the paper prints it; hinge: Lim and Ye 2017."""
    r1: NonNegativeFloat = 0.0
    """gamma of gamma/2 E||grad_x D(x)||^2 over true windows, added to the discriminator's loss (Mescheder et al. 2018);
    it needs a second backward pass and is computed in float32 whatever the precision."""
    r1_every: PositiveInt = 1
    """It is computed at one of so many steps, as many times as strong (Karras et al. 2020)."""
    adversarial: NonNegativeFloat = 1.0
    pixel: NonNegativeFloat = 100.0
    mouth_weight: PositiveFloat = 1.0
    """Weight of the pixel term inside the mouth box."""
    adversary_from: NonNegativeInt = 0
    """The step at which the adversary joins."""


class GanSampling(SamplingConfig):
    """How frames are drawn from the generator."""

    noise: NonNegativeFloat = 1.0
    """Standard deviation of the noise vector."""


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

    @model_validator(mode="after")
    def _switches_fit(self) -> Self:
        if self.model.warp and self.model.identity != "skip":
            raise ValueError("model.warp bends the photo, which model.identity=vector never draws; set it to skip")
        if self.model.pose and not self.model.warp:
            raise ValueError("model.pose moves the photo as model.warp does; set that true, or this false")
        if self.model.backbone_tuned and self.model.backbone == "none":
            raise ValueError("model.backbone_tuned needs a pretrained backbone; set model.backbone to one")
        if self.loss.r1 and self.training.compile:
            raise ValueError("loss.r1 differentiates twice, which training.compile cannot; set it false")
        return self
