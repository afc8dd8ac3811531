"""How frames are drawn from a trained denoiser."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from viseme.config.sections import Probability, SamplingConfig

Signal = Literal["audio", "landmarks"]
"""What drives a denoiser beside its pictures."""


class DiffusionSampling(SamplingConfig):
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
    motion_noise: NonNegativeFloat = 0.0
    """Standard deviation of Gaussian noise added to the motion frames wherever they are seen, which hides the small
    faults that a rollout would carry on and add up; at most motion.noise. With motion previous."""
    anchor_every: NonNegativeInt = 0
    """Every how many frames the identity frame stands in the place of all motion frames, as it does for the first; 0
    never. With motion previous."""
    anchor_colour: bool = False
    """Whether each frame's mean and standard deviation a channel are brought to the identity frame's before it is
    given out and carried on. With motion previous."""
    guidance_audio: NonNegativeFloat = 1.0
    """Classifier-free guidance by sound: how many times its effect on x0 counts. Other than 1 it needs
    conditioning.drop_audio, and one more pass a step."""
    guidance_landmarks: NonNegativeFloat = 1.0
    """The same by landmarks; it needs conditioning.drop_landmarks."""
    without: tuple[Signal, ...] = ()
    """Signals left out of a rollout; each needs its conditioning.drop_*."""

    @property
    def guidance(self) -> dict[Signal, float]:
        """The weights other than 1, by signal."""
        weights: dict[Signal, float] = {"audio": self.guidance_audio, "landmarks": self.guidance_landmarks}
        return {signal: weight for signal, weight in weights.items() if weight != 1}

    @model_validator(mode="after")
    def _what_is_left_out_steers_nothing(self) -> Self:
        for signal in self.without:
            if signal in self.guidance:
                weight = self.guidance[signal]
                raise ValueError(f"guidance_{signal}={weight} steers by what without leaves out; set it to 1")
        return self

    @model_validator(mode="after")
    def _noise_is_put_back_by_eta(self) -> Self:
        if self.eta and self.sampler != "ddim":
            raise ValueError(f"eta={self.eta} belongs to ddim, and sampler is {self.sampler}; set eta to 0")
        return self

    @model_validator(mode="after")
    def _only_what_is_carried_on_is_anchored(self) -> Self:
        if self.motion != "previous" and (self.anchor_every or self.anchor_colour or self.motion_noise):
            raise ValueError(
                "anchor_every, anchor_colour and motion_noise change what is carried on, and motion identity carries "
                "nothing on; set motion to previous"
            )
        return self
