"""What a validation shows of held-out clips: a sample sheet, and with rollouts their scores and a video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from viseme.config.schema import Config, to_dict
from viseme.data.store import Store
from viseme.files import write_json
from viseme.training.boards import ROLLOUT, Board, WeightsAndBiases, wandb
from viseme.training.loggers import Curves
from viseme.training.run import RunFolder
from viseme.training.samples import sample_sheet, save_picture
from viseme.types import Synthesizer, UInt8

KEPT_VIDEOS = 5
"""Videos of the newest so many validations stay in the run folder."""
SHEET_CLIPS = 2


@dataclass(frozen=True, slots=True)
class ClipScores:
    """One held-out clip: whose it is, the frames scored, and metric -> value."""

    clip_id: str
    actor: str
    frames: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rolled:
    """Held-out clips made by a model from one frame and their sound.

    Attributes:
        scalars: metric -> mean over the clips.
        clips: the scores that these are the means of.
        sheet: uint8 `[2 clips S, 8 S, 3]`, truth above and made below.
        video: uint8 `[T,2S,2S,3]`, the frames of the video that was written.
    """

    scalars: Mapping[str, float]
    clips: tuple[ClipScores, ...]
    sheet: UInt8
    video: UInt8


Roll = Callable[[Synthesizer, Path, torch.Generator], Rolled]
"""Makes the clips with a model, and writes them as a video to a path; handed in by who knows generation and scores."""


def show(
    curves: Curves,
    folder: RunFolder,
    done: int,
    synthesizer: Synthesizer,
    store: Store,
    roll: Roll | None,
    rng: torch.Generator,
) -> dict[str, float]:
    """Make held-out clips with the model as it is at step `done`, and keep what they show.

    Writes `samples/step-000200.png`, with `roll` also `samples/step-000200.mp4`, each clip's scores beside it as JSON,
    and a `rollout` line of curves.

    Args:
        store: with `val` clips.
        roll: what makes and scores rollouts; without one, the beginnings of two clips are drawn alone.
        rng: the same at each validation, so that what changes is the model.

    Returns:
        The rollouts' scalars; empty without `roll`.
    """
    path = folder.sample(done)
    if roll is None:
        clips = [row.clip_id for row in store.clips("val")[:SHEET_CLIPS]]
        scalars, sheet = {}, sample_sheet(synthesizer, store, clips, rng)
    else:
        rolled = roll(synthesizer, path.with_suffix(".mp4"), rng)
        scalars, sheet = dict(rolled.scalars), rolled.sheet
        write_json(path.with_suffix(".json"), [asdict(clip) for clip in rolled.clips])
        curves.log(done, ROLLOUT, scalars)
        curves.video(done, path.with_suffix(".mp4"), rolled.video)
        for old in sorted(path.parent.glob("step-*.mp4"))[:-KEPT_VIDEOS]:
            old.unlink(missing_ok=True)
    save_picture(path, sheet)
    curves.picture(done, sheet)
    return scalars


def check_boards(config: Config) -> None:
    """Raise `ConfigError` where a board that `training.logger` asks for is not installed; nothing is touched yet."""
    if config.training.logger == "wandb":
        wandb()


def boards(config: Config, run: Path) -> list[Board]:
    """The boards that `training.logger` asks for besides TensorBoard. Raises `ConfigError`."""
    return [WeightsAndBiases(run, to_dict(config))] if config.training.logger == "wandb" else []
