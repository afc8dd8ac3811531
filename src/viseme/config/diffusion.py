"""The configuration of a conditional DDPM: its network, its process, its losses and what learns beside it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from viseme.config.diffusion_sampling import DiffusionSampling, Signal
from viseme.config.gan import DiscriminatorConfig
from viseme.config.sections import (
    AudioConfig,
    DataConfig,
    PerceptualLossConfig,
    Probability,
    Section,
    TrainingConfig,
    parts_fit,
)


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
    pose: bool = False
    """Whether roll and shift of the head, lids and brows are an input (`viseme.pose`), by which the photo is moved
    before the network sees and changes it; drawn from a prior learned beside, instead of being left to the noise."""
    film_norm: bool = False
    """Whether features are normalised anew before every signal's FiLM, not only before the timestep's (the paper
    suspects the FiLMs stacked without a norm between of its drift)."""
    fusion: Literal["film", "joint", "token"] = "film"
    """How signals reach the residual blocks: film: one FiLM each, in turn; joint: concatenated, by one FiLM; token: as
    tokens that the two lowest resolutions and the middle attend to. The timestep keeps its FiLM."""

    @model_validator(mode="after")
    def _attention_fits(self) -> Self:
        levels = len(self.multipliers)
        tokens = range(max(levels - 2, 0), levels) if self.fusion == "token" else ()
        for level in (*self.attention, *tokens, levels - 1):
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
    shift: PositiveFloat = 1.0
    """Times as much noise to the signal, in amplitude, at every timestep: 2 for twice the resolution (Hoogeboom et al.
    2023)."""
    detail: PositiveInt = 1
    """Side of the squares of pixels within which a network that predicts eps is spared the noise: 2 for one grown to
    twice its size; 1 spares it nothing."""
    residual: bool = False
    """Predict x0 as a change of the identity frame (with prediction x0)."""

    @model_validator(mode="after")
    def _prediction_says_x0(self) -> Self:
        if self.zero_terminal_snr and self.prediction == "eps":
            raise ValueError("zero_terminal_snr leaves nothing to learn x0 from eps; set prediction to v or x0")
        if self.detail > 1 and self.prediction != "eps":
            raise ValueError(f"detail={self.detail} spares noise, and {self.prediction} is predicted; set it to 1")
        if self.residual and self.prediction != "x0":
            raise ValueError(f"residual changes the identity frame into x0, not into {self.prediction}; set it false")
        return self


class DiffusionLossConfig(PerceptualLossConfig):
    """Squared error in what is predicted, weighted by place and by timestep; the perceptual terms judge its x0."""

    mouth_weight: PositiveFloat = 1.2
    """Weight inside the mouth box; 1 elsewhere (paper section 4.2.2)."""
    l1: NonNegativeFloat = 0.0
    """Weight of an added absolute error."""
    lip: NonNegativeFloat = 0.0
    """Weight of an added term, the mean squared error inside the mouth box alone (Diffused Heads: 0.2)."""
    min_snr: NonNegativeFloat = 0.0
    """gamma of min-SNR weighting (Hang et al. 2023); 0 weights all timesteps alike."""
    snr_floor: NonNegativeFloat = 0.0
    """Least weight of an x0 error under min-SNR weighting, where x0 or v is predicted."""


class MotionConfig(Section):
    """What happens to the motion frames, so that the sound is not left unread and a rollout does not drift."""

    drop: Probability = 0.0
    """Share of training samples in which the identity frame stands in their place."""
    noise: NonNegativeFloat = 0.0
    """Largest standard deviation of Gaussian noise added to them in training, drawn evenly from 0."""
    grayscale: bool = False
    """Whether they are seen as luma, in training (after the noise) and in rollouts: no hue can be carried on."""
    own: Probability = 0.0
    """Share of training samples whose newest motion frame is the network's own estimate of it. Above 0 the window's
    second frame is learned, its first being the one estimated."""
    own_steps: PositiveInt = 1
    """DDIM steps of that estimate, each one more forward pass a step."""


class RegressorConfig(Section):
    """What moves the 68 points by the sound, trained beside a network that `model.landmarks` drives."""

    width: NonNegativeInt = 0
    """Hidden units a layer; 0 makes none, and whoever generates must bring landmarks."""
    learning_rate: PositiveFloat = 3e-4
    """Of its own optimizer; it rises and falls with the other's."""
    mouth_weight: PositiveFloat = 4.0
    """Weight of the mouth's points 48-67 in its squared error, the others weighing 1."""


class DistillationConfig(Section):
    """A teacher whose many steps this model learns to make in few (Salimans and Ho 2022)."""

    teacher: str = ""
    """A run folder, a .safetensors file or a bundled model's name; where empty, the model learns from frames alone."""
    each: PositiveInt = 8
    """Steps of the teacher's DDIM that one of `sampling.steps` learns to replace."""
    adversarial: NonNegativeFloat = 0.0
    """Weight of an added adversarial term: a discriminator tells the student's estimates of x0 from true frames (Sauer
    et al. 2023), since what is learned by squared error alone is the mean of all frames that fit, and as smooth."""
    r1: NonNegativeFloat = 0.05
    """gamma of the penalty on that discriminator's gradient (`GanLossConfig.r1`)."""
    discriminator: DiscriminatorConfig = DiscriminatorConfig(width=24, learning_rate=2e-4, augment=0.5, mouth=True)


class ConditioningConfig(Section):
    """What is kept from the network in training, so that it can do without, and be steered by, each of its signals."""

    drop_audio: Probability = 0.0
    """Share of training samples without sound: a learned vector stands for its embedding."""
    drop_landmarks: Probability = 0.0
    """Share of training samples without landmarks, likewise."""

    @property
    def drops(self) -> dict[Signal, float]:
        """The shares above 0, by signal: those that the model learns to do without."""
        shares: dict[Signal, float] = {"audio": self.drop_audio, "landmarks": self.drop_landmarks}
        return {signal: share for signal, share in shares.items() if share}


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
    regressor: RegressorConfig = RegressorConfig()
    conditioning: ConditioningConfig = ConditioningConfig()
    distillation: DistillationConfig = DistillationConfig()
    sampling: DiffusionSampling = DiffusionSampling()
    training: TrainingConfig = TrainingConfig()

    _fits = model_validator(mode="after")(parts_fit)

    @model_validator(mode="after")
    def _what_is_moved_drives(self) -> Self:
        if self.regressor.width and not self.model.landmarks:
            raise ValueError(
                f"regressor.width={self.regressor.width} moves landmarks, and model.landmarks is false; "
                "set it to true, or the width to 0"
            )
        return self

    @model_validator(mode="after")
    def _pictures_can_be_divided(self) -> Self:
        least = self.model.patch * 2 ** (len(self.model.multipliers) - 1)
        if self.data.size % self.diffusion.detail:
            raise ValueError(f"data.size={self.data.size} does not divide by diffusion.detail={self.diffusion.detail}")
        if self.data.size % least:
            raise ValueError(f"data.size={self.data.size} does not divide by {least}, patch times all halvings")
        return self

    @model_validator(mode="after")
    def _no_more_steps_than_trained_with(self) -> Self:
        total = self.diffusion.steps
        for name, steps in (("sampling.steps", self.sampling.steps), ("motion.own_steps", self.motion.own_steps)):
            if steps > total:
                raise ValueError(f"{name}={steps}: diffusion.steps is {total}; choose 1 to {total}")
        return self

    @model_validator(mode="after")
    def _an_own_frame_comes_before_another(self) -> Self:
        if self.motion.own and self.data.window < 2:
            raise ValueError(
                f"motion.own={self.motion.own} makes one frame to learn the next on, and data.window is "
                f"{self.data.window}; set it to 2"
            )
        if self.motion.own and self.model.pose:
            raise ValueError(
                f"motion.own={self.motion.own} makes frames without a pose; set it to 0, or model.pose to false"
            )
        return self

    @model_validator(mode="after")
    def _an_adversary_is_differentiated_twice(self) -> Self:
        if self.distillation.adversarial and self.distillation.r1 and self.training.compile:
            raise ValueError("distillation.r1 differentiates twice, which training.compile cannot; set it false")
        return self

    @model_validator(mode="after")
    def _a_student_walks_where_its_teacher_walked(self) -> Self:
        if not self.distillation.teacher:
            return self
        sampling, each = self.sampling, self.distillation.each
        if sampling.sampler != "ddim" or sampling.eta or sampling.spacing != "trailing":
            raise ValueError("distillation follows steps of ddim with eta 0 and spacing trailing; set sampling so")
        if sampling.guidance or sampling.without:
            raise ValueError("distillation knows no guidance and leaves no signal out; set sampling without them")
        if sampling.steps * each > self.diffusion.steps:
            raise ValueError(
                f"distillation.each={each}: {sampling.steps} times that is more than diffusion.steps="
                f"{self.diffusion.steps}; choose fewer"
            )
        return self

    @model_validator(mode="after")
    def _no_more_noise_than_trained_with(self) -> Self:
        if self.sampling.motion_noise > self.motion.noise:
            raise ValueError(
                f"sampling.motion_noise={self.sampling.motion_noise}: training knew up to motion.noise="
                f"{self.motion.noise}; choose no more than that"
            )
        return self

    @model_validator(mode="after")
    def _what_is_left_out_was_learned_to_be(self) -> Self:
        drops, sampling = self.conditioning.drops, self.sampling
        if "landmarks" in drops and not self.model.landmarks:
            raise ValueError(
                "conditioning.drop_landmarks: model.landmarks is false, so there are none to drop; set it 0"
            )
        for signal in (*sampling.guidance, *sampling.without):
            if signal not in drops:
                asked = f"without={signal}" if signal in sampling.without else f"guidance_{signal}"
                raise ValueError(
                    f"sampling.{asked} needs a model trained without {signal}, too; conditioning.drop_{signal} is 0"
                )
        for signal, share in drops.items():
            if share == 1 and signal not in sampling.without:
                raise ValueError(
                    f"conditioning.drop_{signal}=1 never shows {signal}; set it lower or sampling.without to [{signal}]"
                )
        return self
