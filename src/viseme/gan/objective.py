"""Training the GAN: one step of the discriminator, one of the generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from viseme.audio.features import feature_width
from viseme.config.gan import GanConfig
from viseme.gan.discriminator import Discriminator
from viseme.gan.generator import Generator
from viseme.gan.losses import adversarial_loss, discriminator_loss, pixel_loss, signal_to_noise
from viseme.nn.draws import Part, divided, randn
from viseme.nn.listener import build_listener
from viseme.nn.optim import Optimization, Told
from viseme.nn.perception import Perception
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def build_generator(config: GanConfig) -> Generator:
    """The generator of a configuration, freshly initialised."""
    listener, width = build_listener(config.audio, feature_width(config.audio))
    return Generator(config.model, config.data.size, width, listener)


class Adversary:
    """The discriminator and its optimizer: what judges the generator, and learns to."""

    def __init__(self, config: GanConfig) -> None:
        listener, width = build_listener(config.audio, feature_width(config.audio))
        network = Discriminator(config.discriminator, config.data.size, width, listener)
        self.optimization = Optimization(network, config.training, config.discriminator.learning_rate)

    def learn(self, parts: Iterable[Part], made: Callable[[Part], Tensor]) -> dict[str, Tensor]:
        """One step on true windows and on what `made` gives for them."""
        told = Told()

        def loss(part: Part) -> Tensor:
            batch, _ = part
            real, fake = self.judge(batch, batch.frames), self.judge(batch, made(part).detach())
            return told(self._scalars(discriminator_loss(real, fake), real, fake))["discriminator"]

        self.optimization.minimise(loss, parts)
        return told.means()

    def judge(self, batch: Batch, frames: Tensor) -> Tensor:
        """Logits `[B]`."""
        audio = batch.audio[:, -frames.shape[1] :]
        return self.optimization.forward(frames, batch.identity, audio)  # type: ignore[no-any-return]

    def watch(self, batch: Batch, made: Tensor) -> dict[str, Tensor]:
        """The scalars of `learn` without learning."""
        real, fake = self.judge(batch, batch.frames), self.judge(batch, made)
        return self._scalars(discriminator_loss(real, fake), real, fake)

    @staticmethod
    def _scalars(loss: Tensor, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        return {
            "discriminator": loss,
            "real_right": (real > 0).float().mean(),
            "fake_right": (fake < 0).float().mean(),
        }


class GanObjective:
    """The `Objective` of a conditional GAN (paper section 4.1)."""

    def __init__(self, config: GanConfig) -> None:
        self.config = config
        self.network = build_generator(config)
        self.optimization = Optimization(self.network, config.training)
        self.adversary = Adversary(config)
        self.perception = Perception(config.loss)

    @property
    def model(self) -> nn.Module:
        return self.network

    def setup(self, fabric: Fabric) -> None:
        self.optimization.setup(fabric)
        self.adversary.optimization.setup(fabric)
        self.perception.setup(fabric)

    @property
    def _adversary_joined(self) -> bool:
        return self.optimization.schedule.last_epoch >= self.config.loss.adversary_from

    def step(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        told, joined, count = Told(), self._adversary_joined, self.config.training.accumulate
        # Where the batch is whole, the generator is pulled by the frames that the adversary has just seen; of parts, no
        # two may stand in memory together, and each is made anew.
        whole = self._made(batch, rng) if count == 1 else None

        def shown(part: Part) -> Tensor:
            with torch.no_grad():
                return self._made(*part) if whole is None else whole

        def loss(part: Part) -> Tensor:
            made = self._made(*part) if whole is None else whole
            return told(self._losses(part[0], made, joined))["loss"]

        judged = self.adversary.learn(divided(batch, rng, count), shown) if joined else {}
        norm = self.optimization.minimise(loss, divided(batch, rng, count))
        return {**told.means(), **judged, "gradient_norm": norm}

    @torch.no_grad()
    def validate(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        made = self._made(batch, rng)
        pixel = pixel_loss(made, batch.frames, batch.mouth, self.config.loss.mouth_weight)
        seen = self._seen(batch, made)
        return {"loss": pixel, **self._pixel_scalars(batch, made), **seen, **self.adversary.watch(batch, made)}

    def state(self) -> dict[str, Stateful]:
        return {**self.optimization.state(), **self.adversary.optimization.state("adversary_")}

    def _losses(self, batch: Batch, made: Tensor, joined: bool) -> dict[str, Tensor]:
        """What the generator lowers, `loss`, and its parts."""
        pixel = pixel_loss(made, batch.frames, batch.mouth, self.config.loss.mouth_weight)
        seen = self._seen(batch, made)
        loss = self.config.loss.pixel * pixel + self.perception.weighed(seen)
        if joined:
            with self.adversary.optimization.frozen():
                seen["adversarial"] = adversarial_loss(self.adversary.judge(batch, made))
            loss = loss + self.config.loss.adversarial * seen["adversarial"]
        return {"loss": loss, **self._pixel_scalars(batch, made), **seen}

    def _made(self, batch: Batch, rng: torch.Generator) -> Tensor:
        shape = (*batch.audio.shape[:2], self.config.model.noise)
        noise = randn(shape, rng).to(batch.audio.device)
        return self.optimization.forward(  # type: ignore[no-any-return]
            batch.identity, batch.audio, noise, batch.frames.shape[1]
        )

    def _seen(self, batch: Batch, made: Tensor) -> dict[str, Tensor]:
        """The perceptual terms over all frames of the windows."""
        return self.perception.terms(*(x.flatten(0, 1) for x in (made, batch.frames, batch.landmarks)))

    @staticmethod
    @torch.no_grad()
    def _pixel_scalars(batch: Batch, made: Tensor) -> dict[str, Tensor]:
        difference = (made - batch.frames).abs()
        return {
            "pixel": difference.mean(),
            "lip": (difference * batch.mouth).sum() / (3 * batch.mouth.sum()).clamp(min=1),
            "snr": signal_to_noise(made, batch.frames),
        }
