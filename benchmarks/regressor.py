"""How well a regressor of landmarks opens an unseen actor's mouth by the sound, without any denoiser.

    python benchmarks/regressor.py --store store --steps 1700

It is trained on the `train` clips of a store with the windows' sound and points alone, mirrored and drawn as training
draws them. For every split: mean over clips of the raw Pearson r of the smoothed mouth opening with truth's, the same
where it hears another clip of the actor, the ratio of the openings' standard deviations, and the mean distance of the
points 48-67 from truth's in per cent of the outer-eye distance, beside that of a face that stands still.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from viseme.audio.features import encode_with_context
from viseme.config import DdpmConfig, load_config
from viseme.data.augment import augment
from viseme.data.faces import EYE_CORNERS, INNER_LIPS, MOUTH
from viseme.data.store import Store
from viseme.diffusion.regression import LandmarkRegressor, Regression, build_regressor, moved_by_sound
from viseme.types import Batch, Float32

Spoken = tuple[str, Float32, Float32]
"""A clip's actor, its features `[T,D]` and its landmarks `[T,68,2]` in pixels."""


def spoken(store: Store, split: str, config: DdpmConfig) -> list[Spoken]:
    """Every clip of a split."""
    return [
        (
            row.actor,
            encode_with_context(store.audio(row.clip_id), row.frames, config.audio),
            store.landmarks(row.clip_id, size=config.data.size),
        )
        for row in store.clips(split)
    ]


def drawn(clips: list[Spoken], count: int, size: int, rng: np.random.Generator) -> Batch:
    """A batch whose pictures are empty but for their width."""
    parts = []
    for _ in range(count):
        _, heard, points = clips[rng.integers(len(clips))]
        at, identity = rng.integers(1, len(points)), rng.integers(len(points))
        parts.append((heard[at], points[at] / size * 2 - 1, points[identity] / size * 2 - 1))
    audio, target, own = (torch.from_numpy(np.stack(column)).float() for column in zip(*parts, strict=True))
    empty = torch.zeros(count, 1, 1, size)
    return Batch(
        empty, empty, empty[:, None], audio[:, None], target[:, None], empty[:, None], own, target[:, None][:, :0]
    )


def trained(clips: list[Spoken], config: DdpmConfig, seed: int) -> LandmarkRegressor:
    """A regressor after `training.steps` steps."""
    torch.manual_seed(seed)
    regressor = build_regressor(config)
    assert regressor is not None
    learner = Regression(regressor, config)
    learner.setup(Fabric(accelerator="cpu", devices=1))
    rng, mirror = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    for _ in range(config.training.steps):
        batch = drawn(clips, config.training.batch_size, config.data.size, rng)
        learner.step(augment(batch, flip=config.data.flip, colour=0, rng=mirror))
    return regressor


def opening(points: Float32) -> Float32:
    """Mean distance of the inner-lip pairs, a centred mean of three frames, the ends left out."""
    apart = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in INNER_LIPS], axis=0)
    return np.convolve(apart, np.ones(3) / 3, mode="valid")


def scores(regressor: LandmarkRegressor, clips: list[Spoken], size: int) -> list[float]:
    """r, r with other sound, ratio of spreads, distance and that of a still face, means over clips."""
    rows = []
    for index, (actor, heard, points) in enumerate(clips):
        made = moved_by_sound(regressor, heard, points[0], size)
        others = [clip for at, clip in enumerate(clips) if clip[0] == actor and at != index]
        other = np.nan
        if others:
            sound = others[index % len(others)][1][: len(points)]
            wrong = moved_by_sound(regressor, sound, points[0], size)
            other = np.corrcoef(opening(wrong), opening(points[: len(wrong)]))[0, 1]
        eyes = np.linalg.norm(points[0, EYE_CORNERS[0]] - points[0, EYE_CORNERS[1]]) / 100
        static = points[:1].repeat(len(points), axis=0)
        far, still = (np.linalg.norm(p[1:, MOUTH] - points[1:, MOUTH], axis=-1).mean() / eyes for p in (made, static))
        r, spread = np.corrcoef(opening(made), opening(points))[0, 1], opening(made).std() / opening(points).std()
        rows.append((r, other, spread, far, still))
    return [float(value) for value in np.nanmean(rows, axis=0)]


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1700)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    given = parser.parse_args()
    steps = [f"training.steps={given.steps}", f"training.decay_steps={given.steps // 3}", "training.precision=32-true"]
    config = load_config("tiny_ddpm_landmarks", [*steps, *given.overrides])
    assert isinstance(config, DdpmConfig)
    store = Store.open(given.store)
    regressor = trained(spoken(store, "train", config), config, given.seed)
    print(f"{'split':6} {'clips':>5} {'r':>6} {'other':>6} {'spread':>6} {'mouth %':>8} {'still %':>8}")
    for split in ("train", "seen", "val", "test"):
        if clips := spoken(store, split, config):
            r, other, spread, far, still = scores(regressor, clips, config.data.size)
            print(f"{split:6} {len(clips):5} {r:6.3f} {other:6.3f} {spread:6.2f} {far:8.2f} {still:8.2f}")


if __name__ == "__main__":
    main()
