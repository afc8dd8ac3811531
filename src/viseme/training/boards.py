"""Where a run is looked at while it trains: TensorBoard, and Weights & Biases by choice."""

from __future__ import annotations

import importlib
import io
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from viseme.errors import ConfigError
from viseme.types import FPS, UInt8

ROLLOUT = "rollout"
"""The split of scalars that are taken of whole rollouts."""
GIF_EVERY = 2
"""A moving picture holds every second frame, at half the rate: the time it takes is true, its weight is half."""


class Board(Protocol):
    """Takes what a run tells as it comes."""

    def scalars(self, step: int, split: str, scalars: Mapping[str, float]) -> None:
        """One point on each curve."""

    def picture(self, step: int, picture: UInt8) -> None:
        """A sample sheet, uint8 `[H,W,3]`."""

    def video(self, step: int, path: Path, frames: UInt8) -> None:
        """A video with sound that lies at `path`, and its frames uint8 `[T,H,W,3]`."""

    def close(self) -> None:
        """Everything is written."""


def tag(split: str, name: str) -> str:
    """How a board calls a curve: `loss/train`, `loss/val`, `rollout/psnr`. What has one word before the slash is shown
    together."""
    return f"{split}/{name}" if split == ROLLOUT else f"{name}/{split}"


class TensorBoard:
    """Event files; a run carried on hides what was logged past the step it carries on from.

    Args:
        folder: of the event files.
        from_step: the step that the run carries on from, or 0.
    """

    def __init__(self, folder: Path, from_step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=from_step + 1)

    def scalars(self, step: int, split: str, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(tag(split, name), value, step)

    def picture(self, step: int, picture: UInt8) -> None:
        self._writer.add_image("samples", picture, step, dataformats="HWC")

    def video(self, step: int, path: Path, frames: UInt8) -> None:
        """TensorBoard plays no MP4, and its moving pictures are GIFs, silent."""
        summaries: Any = importlib.import_module("tensorboard.compat.proto.summary_pb2")
        height, width = frames.shape[1:3]
        image = summaries.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=gif(frames))
        summary = summaries.Summary(value=[summaries.Summary.Value(tag="rollouts", image=image)])
        self._writer.file_writer.add_summary(summary, step)

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A run of wandb; `WANDB_MODE=offline` keeps it in the run folder, to be sent later by `wandb sync`.

    Args:
        run: the run folder; `wandb/` in it holds what wandb keeps, and the name under which a run is carried on.
        config: the resolved configuration as JSON types.

    Raises:
        ConfigError: wandb is not installed, or cannot begin (no key, no connection).
    """

    def __init__(self, run: Path, config: Mapping[str, Any]) -> None:
        self._wandb = wandb()
        try:
            self._run = self._wandb.init(
                project="viseme", name=run.name, id=_identity(run), resume="allow", dir=str(run), config=dict(config)
            )
        except Exception as error:  # wandb's own errors share no base across versions
            told = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(
                f"training.logger: wandb cannot begin ({told}); log in, set WANDB_MODE=offline, "
                "or set training.logger=tensorboard"
            ) from error
        # Steps as an axis of our own: wandb refuses points before its last, and a run carried on goes back a little.
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")

    def scalars(self, step: int, split: str, scalars: Mapping[str, float]) -> None:
        self._run.log({"step": step, **{tag(split, name): value for name, value in scalars.items()}})

    def picture(self, step: int, picture: UInt8) -> None:
        self._run.log({"step": step, "samples": self._wandb.Image(picture)})

    def video(self, step: int, path: Path, frames: UInt8) -> None:
        self._run.log({"step": step, "rollouts": self._wandb.Video(str(path), format="mp4")})

    def close(self) -> None:
        self._run.finish()


def wandb() -> Any:
    """The package, imported only where it is asked for. Raises `ConfigError` where it is not installed."""
    try:
        return importlib.import_module("wandb")
    except ImportError as error:
        raise ConfigError(
            "training.logger: wandb is not installed; pip install wandb, or set training.logger=tensorboard"
        ) from error


def gif(frames: UInt8) -> bytes:
    """Frames uint8 `[T,H,W,3]` at 25 a second as an endless GIF of every second one."""
    file = io.BytesIO()
    first, *rest = (Image.fromarray(frame) for frame in frames[::GIF_EVERY])
    first.save(file, "GIF", save_all=True, append_images=rest, duration=1000 * GIF_EVERY // FPS, loop=0)
    return file.getvalue()


def _identity(run: Path) -> str:
    """The name that wandb knows this run by, drawn once and kept beside it."""
    kept = run / "wandb" / "viseme-id"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(uuid.uuid4().hex[:12], encoding="ascii")
    return kept.read_text(encoding="ascii").strip()
