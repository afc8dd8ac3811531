"""What study `paper` spends at each scale, and what its networks are narrowed to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaperSize:
    """The paper's presets as they are, but for the fields named here.

    Attributes:
        small, large: pixels a side of the paper's two sizes.
        gan, ddpm: fields of the models of a family.
        clips: at most so many are rolled out and scored.
        frames: of each, frame 0 among them.
    """

    small: int = 64
    large: int = 128
    gan: tuple[str, ...] = ()
    ddpm: tuple[str, ...] = ()
    clips: int = 64
    frames: int = 62


NARROW_GAN = (
    *("audio.kind=mel", "model.backbone=lite0", "data.window=3", "training.batch_size=8", "model.width=8"),
    *("model.max_width=128", "model.hidden=128", "discriminator.width=16", "training.validation_batches=4"),
)
NARROW_DDPM = (
    *("audio.kind=mel", "model.patch=2", "model.base=32", "model.blocks=1", "model.heads=4", "training.batch_size=8"),
    *("diffusion.detail=2", "training.learning_rate=1.0e-3", "training.validation_batches=8"),
    *("training.keep_checkpoints=1", "sampling.steps=5", "sampling.precision=bf16-mixed"),
)
"""For a processor: few channels, 2x2 pixels folded into them, of whose noise they are spared what only passes through;
sound and photo read without a download; a learning rate for hundreds of steps. Five denoising steps are for the
pictures that training draws; each rollout sets its own."""


def _steps(count: int) -> tuple[str, ...]:
    return (f"training.steps={count}", f"training.checkpoint_every={max(1, count // 20)}")


TOY = PaperSize(
    *(32, 64),
    gan=(*NARROW_GAN, *_steps(3), "training.batch_size=2", "training.validation_batches=1"),
    ddpm=(*NARROW_DDPM, *_steps(3), "training.batch_size=2", "training.validation_batches=1", "sampling.steps=2"),
    clips=2,
    frames=4,
)
TINY = PaperSize(gan=(*NARROW_GAN, *_steps(400)), ddpm=(*NARROW_DDPM, *_steps(800)), clips=4, frames=27)
SMALL = PaperSize(
    gan=(*NARROW_GAN, *_steps(1600)),
    ddpm=(*NARROW_DDPM, *_steps(3200), "training.learning_rate=5.0e-4"),
    clips=8,
    frames=52,
)
FULL = PaperSize()
