"""Training the GAN: the steps of the discriminator, then one of the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from viseme.audio.features import feature_width
from viseme.config.gan import GanConfig
from viseme.gan.adversary import Adversary, Drawn
from viseme.gan.generator import Generator, Made
from viseme.gan.losses import pixel_loss, signal_to_noise
from viseme.gan.noise import remembered
from viseme.nn.draws import divided, randn
from viseme.nn.listener import build_listener
from viseme.nn.optim import Optimization, Told
from viseme.nn.perception import Perception
from viseme.pose.pose import batch_poses
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def build_generator(config: GanConfig) -> Generator:
    """The generator of a configuration, freshly initialised; a pretrained backbone has random weights too."""
    listener, width = build_listener(config.audio, feature_width(config.audio))
    return Generator(config.model, config.data.size, width, listener)


class GanObjective:
    """The `Objective` of a conditional GAN (paper section 4.1).

    Raises:
        InputError: the weights of the pretrained backbone that the configuration names are not here.
    """

    def __init__(self, config: GanConfig) -> None:
        self.config = config
        self.network = build_generator(config)
        if (backbone := self.network.identity.backbone) is not None:
            backbone.take_pretrained()
        self.optimization = Optimization(self.network, config.training)
        self.adversary = Adversary(config)
        self.perception = Perception(config.loss)

    @property
    def model(self) -> nn.Module:
        return self.network

    def setup(self, fabric: Fabric) -> None:
        self.optimization.setup(fabric)
        self.adversary.setup(fabric)
        self.perception.setup(fabric)

    @property
    def _adversary_joined(self) -> bool:
        return self.optimization.schedule.last_epoch >= self.config.loss.adversary_from

    def step(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        told, joined, count = Told(), self._adversary_joined, self.config.training.accumulate
        parts = [self._drawn(part, numbers, joined) for part, numbers in divided(batch, rng, count)]
        # Where the batch is whole, the generator is pulled by the frames that the adversary has just seen; of parts, no
        # two may stand in memory together, and each is made anew.
        whole = self._made(parts[0]) if count == 1 else None

        def shown(drawn: Drawn) -> Tensor:
            with torch.no_grad():
                return (self._made(drawn) if whole is None else whole).frames

        def loss(drawn: Drawn) -> Tensor:
            made = self._made(drawn) if whole is None else whole
            scalars = told(self._losses(drawn, made, joined))
            return scalars["generator"] + scalars["pose"] if "pose" in scalars else scalars["generator"]

        judged = self.adversary.learn(parts, shown) if joined else {}
        norm = self.optimization.minimise(loss, parts)
        return {**told.means(), **judged, "gradient_norm": norm}

    @torch.no_grad()
    def validate(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        made, pose_loss = self._made(self._drawn(batch, rng, joined=False))
        pixel = pixel_loss(made, batch.frames, batch.mouth, self.config.loss.mouth_weight)
        seen, judged = self._seen(batch, made), self.adversary.watch(batch, made)
        generator = self._lowered(pixel, seen, judged["adversarial"] if self._adversary_joined else None)
        held = {} if pose_loss is None else {"pose": pose_loss}
        return {"loss": pixel, "generator": generator, **self._pixel_scalars(batch, made), **seen, **judged, **held}

    def state(self) -> dict[str, Stateful]:
        return {**self.optimization.state(), **self.adversary.state()}

    def _losses(self, drawn: Drawn, made: Made, joined: bool) -> dict[str, Tensor]:
        """L_G, `generator`, and its parts; `loss` is the weighted L1, as in validation.

        Where there is a pose, `pose` is what its prior loses, lowered beside L_G: no weight is shared by the two.
        """
        batch, (frames, pose_loss) = drawn.batch, made
        pixel = pixel_loss(frames, batch.frames, batch.mouth, self.config.loss.mouth_weight)
        seen = self._seen(batch, frames)
        pull = self.adversary.pull(drawn, frames) if joined else None
        loss = self._lowered(pixel, seen, pull)
        told = {"loss": pixel, "generator": loss, **self._pixel_scalars(batch, frames), **seen}
        told |= {} if pull is None else {"adversarial": pull}
        return told if pose_loss is None else {**told, "pose": pose_loss}

    def _lowered(self, pixel: Tensor, seen: dict[str, Tensor], pull: Tensor | None) -> Tensor:
        """L_G = lambda_pixel L1 + the perceptual terms + the adversarial term, where the adversary has joined."""
        loss = self.config.loss.pixel * pixel + self.perception.weighed(seen)
        return loss if pull is None else loss + self.config.loss.adversarial * pull

    def _drawn(self, batch: Batch, rng: torch.Generator, joined: bool) -> Drawn:
        noise = randn((*batch.audio.shape[:2], self.config.model.noise), rng).to(batch.audio.device)
        looks = self.adversary.draw(len(noise), rng) if joined else ()
        return Drawn(batch, remembered(noise, self.config.model.noise_memory), looks)

    def _made(self, drawn: Drawn) -> Made:
        batch, pose = drawn.batch, None
        if self.config.model.pose:
            pose = batch_poses(batch)
        return self.optimization.forward(  # type: ignore[no-any-return]
            batch.identity, batch.audio, drawn.noise, batch.frames.shape[1], pose
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
