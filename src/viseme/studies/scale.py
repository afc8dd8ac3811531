"""How large a study is, in one place, and the steps that all studies are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from viseme.config import load_config
from viseme.errors import ConfigError
from viseme.studies.paper import size
from viseme.studies.paper.size import PaperSize
from viseme.studies.plan import Step


@dataclass(frozen=True, slots=True)
class Scale:
    """What a study spends.

    Attributes:
        preset: the diffusion model that its variants change.
        steps: of each training.
        batch_size: of each training.
        overrides: further fields of the configuration.
        clips: at most so many are rolled out and scored.
        frames: of a long rollout, frame 0 among them.
        inference_steps: of a rollout where they are not what is studied.
        timesteps: at how many points of the noise schedule a network is looked at.
        counts: numbers of denoising steps that study `steps` tries; all of its own where empty.
        short: frames of a rollout in that study, which makes fifty of them.
        eps_steps: of its training; a network that predicts eps needs more before a face is seen.
        gan_steps: of each training in study `gan`.
        gan: fields of all its models.
        gan_stable: further fields of those made from the stable preset.
        paper: what study `paper` spends.
    """

    preset: str
    steps: int
    batch_size: int
    clips: int
    frames: int
    inference_steps: int
    overrides: tuple[str, ...] = ()
    timesteps: int = 25
    counts: tuple[int, ...] = ()
    short: int = 101
    eps_steps: int = 84_000
    gan_steps: int = 42_000
    gan: tuple[str, ...] = ("data.window=8", "training.batch_size=16")
    gan_stable: tuple[str, ...] = ()
    paper: PaperSize = size.FULL

    @property
    def training(self) -> tuple[str, ...]:
        """The fields of a training configuration that the scale sets."""
        return (
            f"training.steps={self.steps}",
            f"training.batch_size={self.batch_size}",
            f"training.warmup_steps={min(100, self.steps // 10)}",
            f"training.decay_steps={self.steps * 2 // 5}",
            "training.rollout_clips=0",
            f"sampling.steps={self.inference_steps}",
            *self.overrides,
        )


SMALL_GAN = (
    *("data.window=3", "training.batch_size=8", "training.validation_batches=2"),
    *("model.width=16", "model.max_width=128", "model.hidden=128", "discriminator.width=16"),
)
"""Narrow networks and short windows, for a processor."""
SMALL_STABLE = (
    *("discriminator.learning_rate=2.0e-4", "training.learning_rate=5.0e-4", "loss.r1=0.05", "loss.adversary_from=0"),
    *("training.warmup_steps=20", "training.decay_steps=0", "discriminator.steps=2"),
)
"""What the stable preset needs at that width and within hundreds of steps."""
SCALES = {
    "toy": Scale(
        *("tiny_ddpm", 3, 2, 2, 30, 2, ("model.base=32", "model.blocks=1", "training.validation_batches=1")),
        *(3, (1, 2), 30, 3, 3, SMALL_GAN, SMALL_STABLE),
        paper=size.TOY,
    ),
    "tiny": Scale(
        *("tiny_ddpm", 400, 16, 6, 251, 10),
        counts=(10, 20, 50, 100),
        short=10,
        eps_steps=1600,
        gan_steps=400,
        gan=SMALL_GAN,
        gan_stable=SMALL_STABLE,
        paper=size.TINY,
    ),
    "small": Scale(
        *("tiny_ddpm", 3000, 32, 12, 251, 10),
        eps_steps=6000,
        gan_steps=3000,
        gan=SMALL_GAN,
        gan_stable=SMALL_STABLE,
        paper=size.SMALL,
    ),
    "full": Scale("ddpm_64", 84_000, 16, 24, 501, 50),
}
"""toy: seconds, says nothing, for trying things out; tiny: minutes a model on two cores; small: an hour a model;
full: the paper's model, on a GPU."""


def scale_named(name: str) -> Scale:
    """Raises `ConfigError` for an unknown one."""
    if name not in SCALES:
        raise ConfigError(f"scale {name}: there are {', '.join(SCALES)}")
    return SCALES[name]


def train_step(name: str, scale: Scale, seed: int, overrides: Sequence[str], preset: str = "") -> Step:
    """`train/NAME`: a run of the scale's preset, or another's, carried on where it was stopped."""
    return run_step(name, preset or scale.preset, [*scale.training, f"training.seed={seed}", *overrides])


def run_step(name: str, preset: str, fields: Sequence[str]) -> Step:
    """`train/NAME`: a run of a preset with these fields and no others, carried on where it was stopped."""
    arguments: dict[str, Any] = {"preset": preset, "data": "<data>", "overrides": list(fields)}
    return Step(f"train/{name}", "viseme.train", f"runs/{name}", {**arguments, "resume": True})


def rollout_steps(
    name: str, model: str, store: str, seed: int, split: str, metrics: Sequence[str], **more: Any
) -> list[Step]:
    """`generate/NAME` and `evaluate/NAME`: videos of a store's split by a model, and their scores.

    Args:
        name: of the rollout.
        model: a reference such as `<train/plain>`, or a bundled model.
        store: a reference to the store.
        seed: of everything drawn.
        split: of the store.
        metrics: to score.
        more: further arguments of `viseme.generate`.
    """
    made = {"model": model, "data": store, "split": split, "seed": seed, **more}
    scored = {"videos": f"<generate/{name}>", "reference": store, "metrics": list(metrics), "jobs": 1}
    return [
        Step(f"generate/{name}", "viseme.generate", f"videos/{name}", made),
        Step(f"evaluate/{name}", "viseme.evaluate", f"results/{name}.json", scored),
    ]


def picture_size(scale: Scale, overrides: Sequence[str]) -> int:
    """Pixels a side of the frames that the scale's preset makes."""
    return load_config(scale.preset, [*scale.overrides, *overrides]).data.size
