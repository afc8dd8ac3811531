"""The adversary: the discriminator with its optimizer, what it is shown, and how it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from viseme.config.gan import GanConfig
from viseme.gan.augmentation import augmented, draw_looks
from viseme.gan.discriminator import build_discriminator, power_iteration
from viseme.gan.losses import ADVERSARIAL, squared_gradient
from viseme.gan.mouth import mouth_crops
from viseme.nn.optim import Optimization, Told
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Looks = tuple[Tensor, Tensor]
"""What changes true windows and made ones before they are judged (`viseme.gan.augmentation`)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Windows with all random numbers that a step on them takes.

    Attributes:
        batch: the windows.
        noise: of the generator, `[B,W+L,Z]`.
        looks: for each step of the discriminator; empty where nothing is changed.
    """

    batch: Batch
    noise: Tensor
    looks: tuple[Looks, ...] = ()


class Adversary:
    """What judges the generator, and learns to."""

    def __init__(self, config: GanConfig) -> None:
        own, training = config.discriminator, config.training
        lengths = {name: own.steps * getattr(training, name) for name in ("steps", "warmup_steps", "decay_steps")}
        self.config, self.loss, self.kind = own, config.loss, ADVERSARIAL[config.loss.kind]
        self.network = build_discriminator(config)
        self.optimization = Optimization(self.network, training.model_copy(update=lengths), own.learning_rate)

    def setup(self, fabric: Fabric) -> None:
        self.optimization.setup(fabric)

    def state(self) -> dict[str, Stateful]:
        return self.optimization.state("adversary_")

    def draw(self, count: int, rng: torch.Generator) -> tuple[Looks, ...]:
        """How `count` windows are shown in each step of the discriminator."""
        if not self.config.augment:
            return ()
        return tuple((draw_looks(count, rng), draw_looks(count, rng)) for _ in range(self.config.steps))

    def learn(self, parts: Sequence[Drawn], made: Callable[[Drawn], Tensor]) -> dict[str, Tensor]:
        """Its steps on true windows and on what `made` gives for them; returns the scalars of the last."""
        told, norm = Told(), torch.zeros(())
        for turn in range(self.config.steps):
            told = Told()
            power_iteration(self.network)
            norm = self.optimization.minimise(self._lowered(turn, told, made), parts)
        return {**told.means(), "discriminator_gradient_norm": norm}

    def pull(self, drawn: Drawn, made: Tensor) -> Tensor:
        """The generator's adversarial term on made windows, through a discriminator that does not learn from it."""
        with self.optimization.frozen():
            return self.kind.generator(self.judge(drawn.batch, made, drawn.looks[-1][1] if drawn.looks else None))

    def judge(self, batch: Batch, frames: Tensor, looks: Tensor | None = None) -> Tensor:
        """Logits of windows, `[B]`, or `[B,2]` of face and mouth."""
        return self._judged(self.optimization.forward, *self._shown(batch, frames, looks), batch.audio)

    def watch(self, batch: Batch, made: Tensor) -> dict[str, Tensor]:
        """The scalars of a step without learning, and the generator's adversarial term; on windows as they are."""
        real, fake = self.judge(batch, batch.frames), self.judge(batch, made)
        return {**self._scalars(real, fake), "adversarial": self.kind.generator(fake)}

    def _lowered(self, turn: int, told: Told, made: Callable[[Drawn], Tensor]) -> Callable[[Drawn], Tensor]:
        every = self.loss.r1_every
        smooth = self.loss.r1 and self.optimization.schedule.last_epoch % every == 0

        def loss(drawn: Drawn) -> Tensor:
            batch = drawn.batch
            true_looks, made_looks = drawn.looks[turn] if drawn.looks else (None, None)
            real = self.judge(batch, batch.frames, true_looks)
            fake = self.judge(batch, made(drawn).detach(), made_looks)
            scalars = told(self._scalars(real, fake))
            if not smooth:
                return scalars["discriminator"]
            penalty = told({"r1": self._steepness(batch, true_looks)})["r1"]
            return scalars["discriminator"] + 0.5 * every * self.loss.r1 * penalty

        return loss

    def _steepness(self, batch: Batch, looks: Tensor | None) -> Tensor:
        """E||grad_x D(x)||^2 over true windows as they are shown.

        By the network itself, in float32: under mixed precision the wrapped one refuses gradients that are not taken by
        `fabric.backward`, and small ones would be lost in 16 bits.
        """
        frames, photo, landmarks = self._shown(batch, batch.frames, looks)
        frames = frames.detach().requires_grad_(True)
        return squared_gradient(self._judged(self.network, frames, photo, landmarks, batch.audio), frames)

    def _shown(self, batch: Batch, frames: Tensor, looks: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        if looks is None:
            return frames, batch.identity, batch.landmarks
        return augmented(frames, batch.identity, batch.landmarks, looks, self.config.augment)

    def _judged(
        self, network: Callable[..., Tensor], frames: Tensor, photo: Tensor, landmarks: Tensor, audio: Tensor
    ) -> Tensor:
        crops = mouth_crops(frames, photo, landmarks) if self.config.mouth else ()
        return network(frames, photo, audio[:, -frames.shape[1] :], *crops)

    def _scalars(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        return {
            "discriminator": self.kind.discriminator(real, fake),
            "real_right": (real > 0).float().mean(),
            "fake_right": (fake < 0).float().mean(),
        }
