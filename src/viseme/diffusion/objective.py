"""Training the denoiser: noise a frame, predict, weigh the error, step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from viseme.config.diffusion import DdpmConfig
from viseme.diffusion.companions import Companion, PriorLearning
from viseme.diffusion.losses import diffusion_loss, timestep_weight, x0_trust
from viseme.diffusion.model import (
    as_prediction,
    build_prior,
    build_process,
    build_unet,
    held,
    joined,
    reference_pictures,
    window_signals,
)
from viseme.diffusion.motion import beginning, moved_on
from viseme.diffusion.noise_ratio import by_thirds, noise_ratio
from viseme.diffusion.own_frame import evaluating, own_frame
from viseme.diffusion.regression import Regression, build_regressor
from viseme.nn.blocks import recompute_activations
from viseme.nn.draws import Part, divided, rand, randint, randn
from viseme.nn.optim import Optimization, Told
from viseme.nn.perception import Perception
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Given(NamedTuple):
    """What a denoiser knows of the frame it is to find, beside x_t."""

    identity: Tensor
    """`[B,3,H,W]`, `held` as the frame is."""
    pictures: Tensor
    """As `reference_pictures` stacks them."""
    signals: dict[str, Tensor]
    """`[B,size]` each."""
    absent: dict[str, Tensor]
    """Where a signal is absent, bool `[B]`."""


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
        regressor, prior = build_regressor(config), build_prior(config)
        self.companions: list[Companion] = [
            *([] if regressor is None else [Regression(regressor, config)]),
            *([] if prior is None else [PriorLearning(prior, config)]),
        ]
        self._model = joined(self.network, regressor, prior)

    @property
    def model(self) -> nn.Module:
        return self._model

    def setup(self, fabric: Fabric) -> None:
        self.optimization.setup(fabric)
        self.perception.setup(fabric)
        for companion in self.companions:
            companion.setup(fabric)

    def step(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        told = Told()

        def loss(part: Part) -> Tensor:
            return told(self._loss(*part, train=True))["loss"]

        norm = self.optimization.minimise(loss, divided(batch, rng, self.config.training.accumulate))
        scalars = {**told.means(), "gradient_norm": norm}
        for companion in self.companions:
            scalars |= companion.step(batch)
        return scalars

    @torch.no_grad()
    def validate(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        scalars = self._loss(batch, rng, train=False)
        for companion in self.companions:
            scalars |= companion.losses(batch)
        return scalars

    def state(self) -> dict[str, Stateful]:
        state = self.optimization.state()
        for companion in self.companions:
            state |= companion.state()
        return state

    def _loss(self, batch: Batch, rng: torch.Generator, train: bool) -> dict[str, Tensor]:
        """The loss and its parts at one random timestep a sample, on one frame of each window.

        It is the first, or in training with `motion.own` the second, whose newest motion frame is the first.
        """
        config, identity, index = self.config, batch.identity, int(train and self.config.motion.own > 0)
        x0, points = batch.frames[:, index], batch.landmarks[:, index]
        count, device = len(x0), x0.device
        timesteps = self._timesteps(count, rng).to(device)
        eps = randn(x0.shape, rng).to(device)
        signals = window_signals(config, batch, index)
        identity = held(identity, signals)
        motion = moved_on(batch.motion, self._first_frame(batch, rng)) if index else batch.motion
        motion = self._disturbed(motion, identity, rng) if train else motion
        absent = self._absent(count, rng, device) if train else {}
        given = Given(identity, reference_pictures(config, batch.identity, motion), signals, absent)
        x_t = self.process.noised(x0, timesteps, eps)
        truth = x0
        x0, eps = self._aim(x0, eps, x_t, timesteps, given)
        output = self.optimization.forward(self.process.seen(x_t, timesteps), timesteps, *given[1:])
        predicted = as_prediction(config, output, identity)
        loss = diffusion_loss(
            predicted,
            self.process.target(x0, timesteps, eps),
            batch.mouth[:, index],
            timestep_weight(self.process, timesteps, config.loss.min_snr, config.loss.snr_floor),
            mouth_weight=config.loss.mouth_weight,
            l1=config.loss.l1,
            lip=config.loss.lip,
        )
        scalars = {"loss": loss.total, "mse": loss.mse, "lip": loss.lip}
        estimate = self.process.x0(predicted, x_t, timesteps)
        if self.perception:
            trust = x0_trust(self.process, timesteps)
            terms = self.perception.terms(estimate, truth, points, trust)
            scalars |= {**terms, "loss": loss.total + self.perception.weighed(terms)}
        if train:
            judged = self._judged(batch, estimate, rng)
            scalars |= {**judged, "loss": sum(judged.values(), start=scalars["loss"])}
        else:
            ratio = noise_ratio(self.process.eps(predicted, x_t, timesteps), eps)
            scalars |= by_thirds(ratio, timesteps, config.diffusion.steps)
        return scalars

    def _timesteps(self, count: int, rng: torch.Generator) -> Tensor:
        """At which timestep each sample is learned, int64 `[B]`."""
        return randint(self.config.diffusion.steps, (count,), rng)

    def _aim(self, x0: Tensor, eps: Tensor, x_t: Tensor, timesteps: Tensor, given: Given) -> tuple[Tensor, Tensor]:
        """The frame and the noise that x_t should be taken apart into: those it was made of."""
        return x0, eps

    def _judged(self, batch: Batch, estimate: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Terms that are added to the loss for how the estimates of x0 `[B,3,H,W]` look; here none."""
        return {}

    def _absent(self, count: int, rng: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """In which samples each signal that the model learns to do without is absent, bool `[B]`."""
        drops = self.config.conditioning.drops
        return {name: (rand((count,), rng) < share).to(device) for name, share in drops.items()}

    def _first_frame(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """The first frame of each window `[B,3,H,W]`: in a share of samples the network's own, else the true one."""
        true, identity = batch.frames[:, 0], batch.identity
        own = rand((len(true), 1, 1, 1), rng).to(true.device) < self.config.motion.own
        noise = randn(true.shape, rng).to(true.device)
        with evaluating(self.network):
            made = own_frame(
                self.optimization.forward,
                self.config,
                self.process,
                identity,
                batch.motion,
                window_signals(self.config, batch),
                noise,
            )
        return torch.where(own, made, true)

    def _disturbed(self, motion: Tensor, identity: Tensor, rng: torch.Generator) -> Tensor:
        """The motion frames replaced by the identity frame in some samples and noised in all others.

        A true motion frame explains nearly the whole next frame, so a network that may always trust it learns to
        read the sound last; one that may not, reads it from the start and forgives its own mistakes in a rollout.
        """
        shape = (len(motion), 1, 1, 1)
        dropped = rand(shape, rng).to(motion.device) < self.config.motion.drop
        level = rand(shape, rng).to(motion.device) * self.config.motion.noise
        noise = randn(motion.shape, rng).to(motion.device)
        return torch.where(dropped, beginning(identity, self.config.data.motion_frames), motion + level * noise)
