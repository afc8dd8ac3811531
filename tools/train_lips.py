"""Train the encoder `lips` on the training clips of a store, and say how well it hears.

    python tools/train_lips.py train grid_store src/viseme/bundled/lips.safetensors
    python tools/train_lips.py score src/viseme/bundled/lips.safetensors grid_store --split val

What it learns to say of a frame: the opening of the mouth, and the largest principal components of how lips and chin
lie otherwise than on the clip's mean, the head's own movement taken out. Several networks learn it from other random
numbers, and the encoder says their mean.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import viseme
from viseme.audio.lips import BANDS, MEMBERS, WIDTH, LipsEncoder, LipsNetwork, LipsNetworks
from viseme.audio.loudness import levelled
from viseme.audio.mel import COLUMNS, mel_features
from viseme.data.align import apply, similarity
from viseme.data.augment_sound import augment_sound
from viseme.data.faces import EYE_CORNERS
from viseme.data.store import ClipRow, Store
from viseme.evaluation.mouth import correlation, fitted, mean_curve, mouth_correlation, opening
from viseme.nn.memory import keep_freed_memory
from viseme.nn.weights import save_model
from viseme.training.ema import Ema

STILL = [*range(27, 31), *range(36, 48)]
"""Landmarks of the bridge of the nose and the eyes: what the head moves and speech does not."""
SPOKEN = [*range(5, 12), *range(48, 68)]
"""Chin and lips."""
WINDOW, BATCH = 64, 32
STRETCH = 0.12
"""A window is drawn up to so much faster or slower."""
LEAST = math.ceil((1 + STRETCH) * WINDOW) + 1
"""Frames that a window may take of an utterance; shorter clips are joined with others of their speaker."""
SPLICED, KEPT = 0.5, 12
"""Share of windows that go over into another of the same speaker, and frames that are kept of each at least."""
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Utterance:
    """A clip in memory: log-mel columns `[4T,40]`, what lips and chin do `[T,54]`, the opening `[T]`."""

    row: ClipRow
    columns: Tensor
    shape: np.ndarray
    opening: np.ndarray


def utterances(store: Store, split: str) -> list[Utterance]:
    """The clips of a split."""
    return [utterance(store, row) for row in store.clips(split)]


def utterance(store: Store, row: ClipRow) -> Utterance:
    """One clip, its points in eye-corner distances off the clip's mean."""
    columns = torch.from_numpy(mel_features(levelled(store.audio(row.clip_id)), row.frames, BANDS)).reshape(-1, BANDS)
    points = store.landmarks(row.clip_id).astype(np.float64)
    still = points[:, STILL].mean(axis=0)
    held = np.stack([apply(similarity(frame[STILL], still), frame) for frame in points])
    mean = held.mean(axis=0)
    shape = (held - mean)[:, SPOKEN] / np.linalg.norm(mean[EYE_CORNERS[0]] - mean[EYE_CORNERS[1]])
    smooth = np.pad(shape.reshape(len(shape), -1), ((1, 1), (0, 0)), mode="edge")
    return Utterance(row, columns, (smooth[:-2] + smooth[1:-1] + smooth[2:]) / 3, opening(points.astype(np.float32)))


def lengthened(clips: list[Utterance]) -> list[Utterance]:
    """The same, each continued by the next ones of its actor until a window goes into it."""
    by_actor: dict[str, list[Utterance]] = {}
    for clip in clips:
        by_actor.setdefault(clip.row.actor, []).append(clip)
    made = []
    for spoken in by_actor.values():
        for n, clip in enumerate(spoken):
            parts, following = [clip], n + 1
            while sum(len(part.opening) for part in parts) < LEAST:
                parts.append(spoken[following % len(spoken)])
                following += 1
            shape, opened = (np.concatenate([getattr(part, name) for part in parts]) for name in ("shape", "opening"))
            made.append(Utterance(clip.row, torch.cat([part.columns for part in parts]), shape, opened))
    return made


def targets(clips: list[Utterance]) -> tuple[list[Tensor], Tensor]:
    """Of each clip `[T,8]`: the opening less its mean, and 7 components; with the share of variance that those hold."""
    shapes = np.concatenate([clip.shape for clip in clips])
    _, sizes, axes = np.linalg.svd(shapes, full_matrices=False)
    made = [np.column_stack([clip.opening - clip.opening.mean(), clip.shape @ axes[: WIDTH - 1].T]) for clip in clips]
    deviation = np.concatenate(made).std(axis=0)
    kept = torch.from_numpy(sizes[: WIDTH - 1] ** 2 / (sizes**2).sum())
    return [torch.from_numpy((clip / deviation).astype(np.float32)) for clip in made], kept


def window(columns: Tensor, target: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A window at a random time and rate: columns `[4 x 64,40]` and targets `[64,8]`."""
    rate = 1 + STRETCH * (2 * rng.random() - 1)
    places = rng.random() * (len(target) - 1 - rate * WINDOW) + rate * np.arange(WINDOW)
    heard = (places[:, None] + rate * np.arange(COLUMNS) / COLUMNS).ravel() * COLUMNS
    return between(columns, heard), between(target, places)


def spliced(
    one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """The beginning of one window and the end of another, so that no sentence's course is learned by heart."""
    cut = int(rng.integers(KEPT, WINDOW - KEPT))
    (columns, target), (columns_after, target_after) = one, other
    heard = torch.cat([columns[: COLUMNS * cut], columns_after[COLUMNS * cut :]])
    return heard, torch.cat([target[:cut], target_after[cut:]])


def between(series: Tensor, places: np.ndarray) -> Tensor:
    """A series `[N,D]` at places between its items."""
    low = places.astype(int).clip(0, len(series) - 2)
    return torch.lerp(series[low], series[low + 1], torch.from_numpy(places - low).float()[:, None])


def disturbed(columns: Tensor, rng: np.random.Generator) -> Tensor:
    """Columns `[B,N,40]` of other voices, microphones and rooms, with bands and moments that are not heard."""
    torch_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
    columns = augment_sound(columns, BANDS, tract=0.12, tilt=0.15, rng=torch_rng)
    noise = 0.08 * torch.rand((len(columns), 1, 1), generator=torch_rng)
    columns = columns + noise * torch.randn(columns.shape, generator=torch_rng)
    for one in columns:
        for _ in range(2):
            band, moment = int(rng.integers(BANDS)), int(rng.integers(len(one)))
            one[:, band : band + int(rng.integers(5))] = one.mean()
            one[moment : moment + int(rng.integers(12))] = one.min()
    return columns


def loss(said: Tensor, target: Tensor) -> Tensor:
    """Squared error, and how far the opening `[B,T,8]` is from running as truth's does within each window."""
    a, b = (x[..., 0] - x[..., 0].mean(dim=1, keepdim=True) for x in (said, target))
    r = (a * b).sum(1) / ((a * a).sum(1) * (b * b).sum(1)).clamp(min=1e-9).sqrt()
    return F.mse_loss(said, target) + (1 - r).mean()


def train(store: Store, out: Path, steps: int, seed: int) -> None:
    """Train and write the averaged weights in half precision."""
    keep_freed_memory()
    begun = time.process_time()
    clips = lengthened(utterances(store, "train"))
    aims, kept = targets(clips)
    print(f"{len(clips)} clips; 7 components hold {100 * float(kept.sum()):.0f} % of the variance")
    network = LipsNetworks()
    for member in range(MEMBERS):
        trained = train_one(clips, aims, steps, MEMBERS * seed + member)
        network.members[member].load_state_dict(trained.state_dict())
    about = {
        "steps": steps,
        "seed": seed,
        "seconds": round(time.process_time() - begun),
        "store": store.fingerprint,
        "corpus": store.info.corpus,
        "actors": sorted({clip.row.actor for clip in clips}),
        "clips": len(clips),
        "viseme": viseme.__version__,
    }
    save_model(out, network, {"kind": "lips"}, about, torch.float16)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {about['seconds']} s of one core")


def train_one(clips: list[Utterance], aims: list[Tensor], steps: int, seed: int) -> LipsNetwork:
    """One network, its weights averaged over the steps."""
    spoken = Counter(clip.row.actor for clip in clips)
    share = np.array([spoken[clip.row.actor] ** -0.5 for clip in clips])  # between all clips alike and all actors alike
    of_actor = {actor: [n for n, clip in enumerate(clips) if clip.row.actor == actor] for actor in spoken}
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = LipsNetwork(dropout=0.5)
    ema = Ema(network, 0.99)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.05)

    def drawn(n: int) -> tuple[Tensor, Tensor]:
        one = window(clips[n].columns, aims[n], rng)
        if rng.random() >= SPLICED:
            return one
        other = int(rng.choice(of_actor[clips[n].row.actor]))
        return spliced(one, window(clips[other].columns, aims[other], rng), rng)

    for step in range(steps):
        rate = min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * rate
        chosen = rng.choice(len(clips), BATCH, p=share / share.sum())
        heard, target = (torch.stack(side) for side in zip(*(drawn(int(n)) for n in chosen), strict=True))
        value = loss(network(disturbed(heard, rng)), target)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        ema.update()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}: loss {float(value.detach()):.3f}", flush=True)
    return ema.average


def score(weights: Path, store: Store, split: str) -> None:
    """Print how the opening that is heard goes with truth's, by actor."""
    encoder = LipsEncoder(weights)
    curve = mean_curve([clip.opening for clip in utterances(store, "train")])
    by_actor: dict[str, list[tuple[float, float, float]]] = {}
    for row in store.clips(split):
        clip = utterance(store, row)
        heard = encoder(levelled(store.audio(row.clip_id)), row.frames)[:, 0].astype(np.float64)
        rhythm = fitted(curve, row.frames)
        found = mouth_correlation(heard, clip.opening, rhythm), correlation(heard, clip.opening), float(heard.std())
        by_actor.setdefault(row.actor, []).append(found)
    for actor, found in [*sorted(by_actor.items()), ("all", [*chain(*by_actor.values())])]:
        r, raw, spread = np.mean(found, axis=0)
        print(f"{actor}: {len(found)} clips, r {r:.3f} with the mean curve out, {raw:.3f} raw; deviation {spread:.2f}")


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    learn = commands.add_parser("train")
    learn.add_argument("store", type=Path)
    learn.add_argument("out", type=Path)
    learn.add_argument("--steps", type=int, default=500)
    learn.add_argument("--seed", type=int, default=0)
    learn.set_defaults(do=lambda given: train(Store.open(given.store), given.out, given.steps, given.seed))
    judge = commands.add_parser("score")
    judge.add_argument("weights", type=Path)
    judge.add_argument("store", type=Path)
    judge.add_argument("--split", default="val")
    judge.set_defaults(do=lambda given: score(given.weights, Store.open(given.store), given.split))
    given = parser.parse_args()
    given.do(given)


if __name__ == "__main__":
    main()
