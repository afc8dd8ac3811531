"""Training the denoiser: noise a frame, predict, weigh the error, step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.losses import diffusion_loss, timestep_weight, x0_trust
from viseme.diffusion.model import as_prediction, build_process, build_unet, reference_pictures, window_signals
from viseme.diffusion.noise_ratio import by_thirds, noise_ratio
from viseme.nn.blocks import recompute_activations
from viseme.nn.draws import Part, divided, rand, randint, randn
from viseme.nn.optim import Optimization, Told
from viseme.nn.perception import Perception
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class DdpmObjective:
    """The `Objective` of a conditional DDPM (paper section 4.2)."""

    def __init__(self, config: DdpmConfig) -> None:
        self.config = config
        self.network = build_unet(config)
        if config.training.checkpoint_activations:
            recompute_activations(self.network)
        self.process = build_process(config)
        self.optimization = Optimization(self.network, config.training)
        self.perception = Perception(config.loss)

    @property
    def model(self) -> nn.Module:
        return self.network

    def setup(self, fabric: Fabric) -> None:
        self.optimization.setup(fabric)
        self.perception.setup(fabric)

    def step(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        told = Told()

        def loss(part: Part) -> Tensor:
            return told(self._loss(*part, train=True))["loss"]

        norm = self.optimization.minimise(loss, divided(batch, rng, self.config.training.accumulate))
        return {**told.means(), "gradient_norm": norm}

    @torch.no_grad()
    def validate(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        return self._loss(batch, rng, train=False)

    def state(self) -> dict[str, Stateful]:
        return self.optimization.state()

    def _loss(self, batch: Batch, rng: torch.Generator, train: bool) -> dict[str, Tensor]:
        """The loss and its parts at one random timestep a sample, on the first frame of each window."""
        config, identity, x0 = self.config, batch.identity, batch.frames[:, 0]
        count, device = len(x0), x0.device
        timesteps = randint(config.diffusion.steps, (count,), rng).to(device)
        eps = randn(x0.shape, rng).to(device)
        motion = self._disturbed(batch.motion, identity, rng) if train else batch.motion
        signals = window_signals(config, batch)
        absent = self._absent(count, rng, device) if train else {}
        x_t = self.process.noised(x0, timesteps, eps)
        output = self.optimization.forward(x_t, timesteps, reference_pictures(identity, motion), signals, absent)
        predicted = as_prediction(config, output, identity)
        loss = diffusion_loss(
            predicted,
            self.process.target(x0, timesteps, eps),
            batch.mouth[:, 0],
            timestep_weight(self.process, timesteps, config.loss.min_snr, config.loss.snr_floor),
            mouth_weight=config.loss.mouth_weight,
            l1=config.loss.l1,
            lip=config.loss.lip,
        )
        scalars = {"loss": loss.total, "mse": loss.mse, "lip": loss.lip}
        if self.perception:
            estimate, trust = self.process.x0(predicted, x_t, timesteps), x0_trust(self.process, timesteps)
            seen = self.perception.terms(estimate, x0, batch.landmarks[:, 0], trust)
            scalars |= {**seen, "loss": loss.total + self.perception.weighed(seen)}
        if not train:
            ratio = noise_ratio(self.process.eps(predicted, x_t, timesteps), eps)
            scalars |= by_thirds(ratio, timesteps, config.diffusion.steps)
        return scalars

    def _absent(self, count: int, rng: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """In which samples each signal that the model learns to do without is absent, bool `[B]`."""
        drops = self.config.conditioning.drops
        return {name: (rand((count,), rng) < share).to(device) for name, share in drops.items()}

    def _disturbed(self, motion: Tensor, identity: Tensor, rng: torch.Generator) -> Tensor:
        """The motion frame replaced by the identity frame in some samples and noised in all others.

        A true motion frame explains nearly the whole next frame, so a network that may always trust it learns to
        read the sound last; one that may not, reads it from the start and forgives its own mistakes in a rollout.
        """
        shape = (len(motion), 1, 1, 1)
        dropped = rand(shape, rng).to(motion.device) < self.config.motion.drop
        level = rand(shape, rng).to(motion.device) * self.config.motion.noise
        noise = randn(motion.shape, rng).to(motion.device)
        return torch.where(dropped, identity, motion + level * noise)
