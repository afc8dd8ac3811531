"""A sampler of few steps learned from one of many: each step aims where several of a teacher's would arrive.

Progressive distillation (Salimans and Ho 2022, algorithm 2) with any number of the teacher's steps replaced at once
instead of two. The teacher's DDIM is deterministic: what a step should give is one frame, not a mean of all that fit.
Where an adversarial term is added (Sauer et al. 2023, adversarial diffusion distillation), its discriminator is that of
the GAN, shown single frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from viseme.config.diffusion import DdpmConfig
from viseme.config.gan import GanConfig, GanLossConfig
from viseme.diffusion.model import as_prediction
from viseme.diffusion.objective import DdpmObjective, Given
from viseme.diffusion.schedule import spaced_timesteps
from viseme.diffusion.unet import UNet
from viseme.errors import ModelError
from viseme.gan.adversary import Adversary, Drawn
from viseme.nn.draws import randint
from viseme.types import Batch, Stateful

if TYPE_CHECKING:
    from lightning_fabric import Fabric


ALIKE = {
    "audio": ("kind", "bands", "context", "checkpoint", "layer"),
    "data": ("size", "motion_frames"),
    "model": ("landmarks", "pose"),
    "motion": ("grayscale",),
    "conditioning": ("drops",),
    "diffusion": ("steps", "schedule", "zero_terminal_snr", "shift"),
}
"""What student and teacher must share: what they are shown, and the noise in it."""


def check_teacher(student: DdpmConfig, taught: DdpmConfig, source: str) -> None:
    """Raises `ModelError` where a teacher, called `source`, is shown something else than its student."""
    for section, names in ALIKE.items():
        for name in names:
            own, other = (getattr(getattr(config, section), name) for config in (student, taught))
            if own != other:
                raise ModelError(
                    f"{source}: was trained with {section}.{name}={other}, and its student has {own}; make them equal"
                )


JUDGED_EVERY = 4
"""Steps of which one computes the penalty on the discriminator's gradient, as many times as strong."""


def build_adversary(config: DdpmConfig) -> Adversary:
    """What judges a student's single frames, freshly initialised."""
    own = config.distillation
    # What is the denoiser's alone, and no GAN knows, is left out.
    return Adversary(
        GanConfig(
            audio=config.audio,
            data=config.data.model_copy(update={"motion_frames": 1}),
            discriminator=own.discriminator,
            loss=GanLossConfig(r1=own.r1, r1_every=JUDGED_EVERY),
            training=config.training.model_copy(update={"checkpoint_activations": False}),
        )
    )


class DistillationObjective(DdpmObjective):
    """The `Objective` of a student: as `DdpmObjective`, at the timesteps it will visit, the aim being its teacher's.

    Args:
        config: of the student.
        teacher: a trained denoiser that takes the same pictures and signals.
        taught: the teacher's configuration; its noising process is the student's.
    """

    def __init__(self, config: DdpmConfig, teacher: UNet, taught: DdpmConfig) -> None:
        super().__init__(config)
        self.teacher, self.taught = teacher.eval().requires_grad_(False), taught
        steps, self.each = config.sampling.steps, config.distillation.each
        self.visited = spaced_timesteps(config.diffusion.steps, steps * self.each, config.sampling.spacing)
        self.adversary = build_adversary(config) if config.distillation.adversarial else None
        self._shown: list[tuple[Drawn, Tensor]] = []

    def setup(self, fabric: Fabric) -> None:
        super().setup(fabric)
        self.fabric = fabric
        fabric.to_device(self.teacher)
        if self.adversary is not None:
            self.adversary.setup(fabric)

    def state(self) -> dict[str, Stateful]:
        return super().state() | ({} if self.adversary is None else self.adversary.state())

    def step(self, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
        """One step of the student, pulled by the adversary as it is; then the adversary's, on what the student made."""
        self._shown.clear()
        scalars = super().step(batch, rng)
        if self.adversary is not None:
            made = {id(drawn): frames for drawn, frames in self._shown}
            scalars |= self.adversary.learn([drawn for drawn, _ in self._shown], lambda drawn: made[id(drawn)])
        return scalars

    def _judged(self, batch: Batch, estimate: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """`adversarial`, weighted, of frames `[B,3,H,W]` that the student estimates, kept for the adversary to see."""
        if self.adversary is None:
            return {}
        frames = estimate.float()[:, None]  # [B, 1, 3, H, W]
        drawn = Drawn(batch, frames.new_zeros(0), self.adversary.draw(len(frames), rng))
        self._shown.append((drawn, frames.detach()))
        return {"adversarial": self.config.distillation.adversarial * self.adversary.pull(drawn, frames)}

    def _timesteps(self, count: int, rng: torch.Generator) -> Tensor:
        return torch.tensor(self.visited[:: self.each])[randint(self.config.sampling.steps, (count,), rng)]

    @torch.no_grad()
    def _aim(self, x0: Tensor, eps: Tensor, x_t: Tensor, timesteps: Tensor, given: Given) -> tuple[Tensor, Tensor]:
        """The frame from which one step of DDIM leads where the teacher's steps lead from the same x_t.

        With z where they lead and r the ratio of the noise's standard deviation there to that at x_t, a step from x_t
        by an estimate x0 leads to r x_t + (sqrt(alpha_bar_z) - r sqrt(alpha_bar_t)) x0 (Salimans and Ho 2022, G).
        """
        alpha_bar = torch.cat([torch.from_numpy(self.process.alpha_bar), torch.ones(1)]).float().to(x_t.device)
        visited = torch.tensor([*self.visited, len(alpha_bar) - 1], device=x_t.device)
        at = (visited == timesteps[:, None]).int().argmax(dim=1)  # how far on the way each sample is
        start = now = alpha_bar[timesteps][:, None, None, None]
        z = x_t
        for step in range(self.each):
            frame = self._taught(z, visited[at + step], given)
            then = alpha_bar[visited[at + step + 1]][:, None, None, None]
            z = then.sqrt() * frame + ((1 - then) / (1 - now)).sqrt() * (z - now.sqrt() * frame)
            now = then
        ratio = ((1 - now) / (1 - start)).sqrt()
        aim = (z - ratio * x_t) / (now.sqrt() - ratio * start.sqrt())
        return aim, self.process.noise_in(x_t, aim, timesteps)

    def _taught(self, x_t: Tensor, timesteps: Tensor, given: Given) -> Tensor:
        """The teacher's estimate of x0, held to [-1, 1] where its own sampling holds it."""
        with self.fabric.autocast():
            output = self.teacher(self.process.seen(x_t, timesteps), timesteps, *given[1:])
        frame = self.process.x0(as_prediction(self.taught, output, given.identity), x_t, timesteps)
        return frame.clamp(-1, 1) if self.taught.sampling.clamp == "static" else frame
