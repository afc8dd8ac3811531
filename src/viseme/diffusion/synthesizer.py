"""A trained denoiser at work: each frame from noise, with its own last frames as motion frames or with none.

Fed its own last frames it makes one frame at a time. With the identity frame in that place no frame waits for another,
and several are made at once, which keeps the machine busy with a single clip. What it feeds itself can be anchored to
the identity frame, in its place (`sampling.anchor_every`) and in its colours (`sampling.anchor_colour`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from viseme.audio.features import encode_with_context
from viseme.config.diffusion import DdpmConfig
from viseme.config.diffusion_sampling import Signal
from viseme.diffusion.guidance import Guidance
from viseme.diffusion.model import (
    LANDMARK_WIDTH,
    Network,
    apart,
    as_prediction,
    build_process,
    build_sampler,
    held,
    reference_pictures,
)
from viseme.diffusion.motion import beginning, moved_on, recoloured
from viseme.diffusion.regression import moved_by_sound
from viseme.diffusion.samplers import static_clamp
from viseme.diffusion.schedule import spaced_timesteps
from viseme.errors import InputError
from viseme.nn.images import to_pixels, to_signed
from viseme.nn.precision import autocast
from viseme.pose.prior import rollout_poses
from viseme.types import Conditioning, Float32, UInt8

TOGETHER = 16
"""Frames of all clips denoised at once where none waits for another: memory stays flat in their length."""


class DdpmSynthesizer:
    """The `Synthesizer` of a conditional DDPM."""

    def __init__(self, network: Network, config: DdpmConfig, fingerprint: str | None = None) -> None:
        self.network, self.regressor, self.prior = apart(network.eval())
        self.config, self.name, self.fingerprint = config, config.name, fingerprint
        self.process = build_process(config)
        self.sampler, sampling = build_sampler(config.sampling), config.sampling
        self.guidance = Guidance(sampling.guidance, sampling.without)
        self.timesteps = spaced_timesteps(config.diffusion.steps, sampling.steps, sampling.spacing)

    @property
    def size(self) -> int:
        return self.config.data.size

    @property
    def uses_landmarks(self) -> bool:
        """Whether landmarks that conditioning brings drive it."""
        return self.config.model.landmarks and "landmarks" not in self.config.sampling.without

    @property
    def needs_landmarks(self) -> bool:
        """Whether conditioning must bring landmarks; a model that learned to do without need not be given them."""
        return self.uses_landmarks and "landmarks" not in self.config.conditioning.drops

    @property
    def has_regressor(self) -> bool:
        """Whether it can move landmarks by the sound itself, by `landmarks_from_sound`."""
        return self.regressor is not None

    def landmarks_from_sound(self, audio: Float32, points: Float32) -> Float32:
        """Landmarks float32 `[T,68,2]` of features `[T,D]` and the identity frame's points `[68,2]`, in its pixels."""
        if self.regressor is None:
            raise InputError(f"{self.name}: has no regressor that moves landmarks; give them with --landmarks")
        return moved_by_sound(self.regressor, audio, points, self.size)

    def encode(self, audio: Float32, frames: int) -> Float32:
        heard = encode_with_context(audio, frames, self.config.audio)
        return heard * np.float32(self.config.sampling.articulation)

    @torch.inference_mode()
    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        device, count = next(self.network.parameters()).device, len(conditionings)
        sampling, guidance = self.config.sampling, self.guidance
        identity = to_signed(np.stack([c.identity for c in conditionings])).to(device)
        first_motion = beginning(identity, self.config.data.motion_frames)

        def draw(like: Tensor = identity) -> Tensor:
            return torch.randn(like.shape, generator=rng, device=rng.device).to(device)

        motion, shared = first_motion, draw() if sampling.noise == "shared" else None
        length = max(c.frames for c in conditionings)
        poses = None
        if self.prior is not None:
            poses = sampling.pose * rollout_poses(self.prior.draw, conditionings, device, rng)
        together = 1 if sampling.motion == "previous" else max(1, TOGETHER // (count * guidance.branches))
        for start in range(1, length, together):
            times = range(start, min(start + together, length))
            noise = torch.cat([draw() if shared is None else shared for _ in times])  # [times x clips,3,H,W]
            photos = identity.repeat(len(times), 1, 1, 1)
            if sampling.anchor_every and (start - 1) % sampling.anchor_every == 0:
                motion = first_motion
            given, missing = self._signals(conditionings, times, poses)
            moved = held(photos, given)
            seen = motion + sampling.motion_noise * draw(motion) if sampling.motion_noise else motion
            seen = seen.repeat(len(times), 1, 1, 1)
            if sampling.motion == "identity":
                seen = beginning(moved, self.config.data.motion_frames)
            pictures = reference_pictures(self.config, photos, seen)
            pictures, changed = guidance.repeated(pictures), guidance.repeated(moved)

            def estimate(x_t: Tensor, step: int) -> Tensor:
                x_t = guidance.repeated(x_t)
                steps = torch.full((len(x_t),), step, device=device)
                output = self.network.denoise(self.process.seen(x_t, steps), steps, pictures, signals)  # noqa: B023
                x0 = self.process.x0(as_prediction(self.config, output, changed), x_t, steps)  # noqa: B023
                return guidance.combined(x0)

            # One context for all steps: autocast converts the weights once in it, not once a step.
            with autocast(device, sampling.precision):
                signals = self.network.embed_signals(
                    {name: guidance.repeated(value) for name, value in given.items()},
                    {name: guidance.absent(name, rows).to(device) for name, rows in missing.items()},
                )
                frames = self.sampler(
                    static_clamp(estimate) if sampling.clamp == "static" else estimate,
                    noise,
                    self.process.alpha_bar,
                    self.timesteps,
                    lambda: draw(noise),  # noqa: B023
                ).clamp(-1, 1)
            if sampling.anchor_colour:
                frames = recoloured(frames, photos)
            if sampling.motion == "previous":
                motion = moved_on(motion, frames)
            yield from to_pixels(frames).reshape(len(times), count, self.size, self.size, 3)

    def _signals(
        self, conditionings: Sequence[Conditioning], times: range, poses: Tensor | None
    ) -> tuple[dict[str, Tensor], dict[Signal, Tensor]]:
        """Each clip's signals at these times (its last ones where it has ended), `[times x clips,D]`.

        Beside them, of those that may be missing, where they are: bool `[times x clips]`.
        """
        device = next(self.network.parameters()).device
        moments = [(c, min(t, c.frames - 1)) for t in times for c in conditionings]
        signals = {"audio": torch.from_numpy(np.stack([c.audio[t] for c, t in moments]))}
        missing = {name: torch.zeros(len(moments), dtype=torch.bool) for name in self.config.conditioning.drops}
        if self.config.model.landmarks:
            points = []
            for row, (c, t) in enumerate(moments):
                if c.landmarks is not None:
                    points.append((c.landmarks[t] / self.size * 2 - 1).reshape(-1))
                    continue
                if self.needs_landmarks:
                    raise InputError(f"{c.clip_id or self.name}: {self.name} is driven by landmarks; give --landmarks")
                points.append(np.zeros(LANDMARK_WIDTH))
                missing["landmarks"][row] = True
            signals["landmarks"] = torch.from_numpy(np.stack(points).astype(np.float32))
        signals = {name: value.to(device) for name, value in signals.items()}
        if poses is not None:
            signals["pose"] = poses[:, times.start : times.stop].transpose(0, 1).flatten(0, 1)
        return signals, missing
