"""A trained denoiser at work: frame after frame, each from noise, its own last frame as motion frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from viseme.audio.features import encode_with_context
from viseme.config.schema import DdpmConfig
from viseme.diffusion.model import as_prediction, build_process, reference_pictures
from viseme.diffusion.samplers import ddim
from viseme.diffusion.schedule import spaced_timesteps
from viseme.diffusion.unet import UNet
from viseme.errors import InputError
from viseme.nn.images import to_pixels, to_signed
from viseme.nn.precision import autocast
from viseme.types import Conditioning, Float32, UInt8


class DdpmSynthesizer:
    """The `Synthesizer` of a conditional DDPM."""

    def __init__(self, network: UNet, config: DdpmConfig, fingerprint: str | None = None) -> None:
        self.network = network.eval()
        self.config, self.name, self.fingerprint = config, config.name, fingerprint
        self.process = build_process(config)
        sampling = config.sampling
        self.timesteps = spaced_timesteps(config.diffusion.steps, sampling.steps, sampling.spacing)

    @property
    def size(self) -> int:
        return self.config.data.size

    @property
    def uses_landmarks(self) -> bool:
        """Whether conditioning must bring landmarks."""
        return self.config.model.landmarks

    def encode(self, audio: Float32, frames: int) -> Float32:
        return encode_with_context(audio, frames, self.config.audio)

    @torch.inference_mode()
    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        device = next(self.network.parameters()).device
        sampling = self.config.sampling
        identity = to_signed(np.stack([c.identity for c in conditionings])).to(device)

        def draw() -> Tensor:
            return torch.randn(identity.shape, generator=rng, device=rng.device).to(device)

        motion, noise = identity, draw()
        for t in range(1, max(c.frames for c in conditionings)):
            if sampling.noise == "fresh" and t > 1:
                noise = draw()
            pictures = reference_pictures(identity, motion)

            def estimate(x_t: Tensor, step: int) -> Tensor:
                steps = torch.full((len(x_t),), step, device=device)
                output = self.network.denoise(x_t, steps, pictures, signals)  # noqa: B023
                return self.process.x0(as_prediction(self.config, output, identity), x_t, steps)

            # One context a frame: autocast converts the weights once in it, not once a step.
            with autocast(device, sampling.precision):
                signals = self.network.embed_signals(
                    {name: value.to(device) for name, value in self._signals(conditionings, t).items()}
                )
                frame = ddim(
                    estimate,
                    noise,
                    self.process.alpha_bar,
                    self.timesteps,
                    eta=sampling.eta,
                    clamp=sampling.clamp == "static",
                    draw=draw,
                ).clamp(-1, 1)
            if sampling.motion == "previous":
                motion = frame
            yield to_pixels(frame)

    def _signals(self, conditionings: Sequence[Conditioning], t: int) -> dict[str, Tensor]:
        """Each clip's signals at time t (its last ones where it has ended), `[B,D]`."""
        signals = {"audio": torch.from_numpy(np.stack([c.audio[min(t, c.frames - 1)] for c in conditionings]))}
        if self.uses_landmarks:
            points = []
            for c in conditionings:
                if c.landmarks is None:
                    raise InputError(f"{c.clip_id or self.name}: {self.name} is driven by landmarks; give --landmarks")
                points.append((c.landmarks[min(t, c.frames - 1)] / self.size * 2 - 1).reshape(-1))
            signals["landmarks"] = torch.from_numpy(np.stack(points).astype(np.float32))
        return signals
