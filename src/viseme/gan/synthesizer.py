"""A trained generator at work: the LSTM carries its state, the frames are drawn a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from viseme.audio.features import encode_with_context
from viseme.config.gan import GanConfig
from viseme.gan.generator import Generator
from viseme.gan.noise import NoiseStream
from viseme.nn.images import to_pixels, to_signed
from viseme.nn.precision import autocast
from viseme.pose.prior import rollout_poses
from viseme.types import Conditioning, Float32, UInt8

CHUNK = 8
"""Frames drawn at once: enough to keep the machine busy, few enough that memory is flat in the length."""


class GanSynthesizer:
    """The `Synthesizer` of a conditional GAN."""

    uses_landmarks = False

    def __init__(self, network: Generator, config: GanConfig, fingerprint: str | None = None) -> None:
        self.network = network.eval()
        self.config, self.name, self.fingerprint = config, config.name, fingerprint

    @property
    def size(self) -> int:
        return self.config.data.size

    def encode(self, audio: Float32, frames: int) -> Float32:
        heard = encode_with_context(audio, frames, self.config.audio)
        return heard * np.float32(self.config.sampling.articulation)

    @torch.inference_mode()
    def synthesize(self, conditionings: Sequence[Conditioning], rng: torch.Generator) -> Iterator[UInt8]:
        device = next(self.network.parameters()).device
        sampling, warmup = self.config.sampling, self.config.data.warmup
        photo = to_signed(np.stack([c.identity for c in conditionings])).to(device)
        with autocast(device, sampling.precision):
            identity = self.network.identity(photo)
        length, state = max(c.frames for c in conditionings), None
        poses = None
        if self.network.prior is not None:
            poses = sampling.pose * rollout_poses(self.network.poses, conditionings, device, rng)
        model, heard = self.config.model, length - (1 - warmup)
        stream = NoiseStream(len(conditionings), heard, model.noise, model.noise_memory, rng)
        for start in range(1 - warmup, length, CHUNK):
            times = np.arange(start, min(start + CHUNK, length))
            audio = torch.from_numpy(np.stack([c.audio[times.clip(0, c.frames - 1)] for c in conditionings]))
            noise = stream.take(len(times))
            with autocast(device, sampling.precision):
                states, state = self.network.listen(
                    identity, audio.to(device), noise.to(device) * sampling.noise, state
                )
                wanted = states[:, int(np.sum(times < 1)) :]
                if wanted.shape[1] == 0:
                    continue
                held = None if poses is None else poses[:, times[times >= 1]]
                frames = self.network.draw(identity, wanted, held)
            yield from to_pixels(frames).swapaxes(0, 1)
