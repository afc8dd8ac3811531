"""Train the mouth-audio sync scorer on the training clips of prepared stores, and say how well it does.

    python tools/train_sync.py train RUN grid_store synthetic_store --steps 2200
    python tools/train_sync.py score RUN/sync_scorer.safetensors grid_store --split val

Contrastive: a picture must find its sound among all frames of its own clip and of other clips of its actor, and a sound
its picture (InfoNCE, van den Oord et al. 2018, both ways); summed over the clip, the true shift must win as well.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import viseme
from viseme.audio.loudness import levelled
from viseme.audio.mel import COLUMNS, mel_features
from viseme.data.augment_sound import augment_sound
from viseme.data.store import Store
from viseme.evaluation.quality import BT601
from viseme.evaluation.sync_scorer import (
    BANDS,
    CROP,
    MARGIN,
    REACH,
    SyncScorer,
    load_scorer,
    mouth_audio_sync,
    mouths,
)
from viseme.nn.memory import keep_freed_memory
from viseme.nn.weights import save_model
from viseme.training.checkpoint import load_tree, save_tree
from viseme.training.ema import Ema
from viseme.types import SAMPLES_PER_FRAME

EXTRA = 4
"""Pixels kept around the mouth, for turns and shifts."""
WINDOW, GROUPS, GROUP = 46, 4, 4
"""Frames of a window; actors of a batch, windows of each."""
STRETCH = 0.12
"""A window is drawn up to so much faster or slower."""
LEARNING_RATE = 2e-3
STEPS = 2200
CHECKPOINT, LOG = 250, 25


@dataclass(frozen=True)
class Utterance:
    """A clip in memory: mouths uint8 `[T,38,38,3]` and log-mel columns `[4T,bands]`."""

    mouths: np.ndarray
    columns: Tensor


def utterances(store: Store, split: str) -> dict[str, list[Utterance]]:
    """The clips of a split that a window fits in, by actor."""
    found: dict[str, list[Utterance]] = {}
    for row in store.clips(split):
        if row.frames > WINDOW * (1 + STRETCH) + 1:
            columns = torch.from_numpy(mel_features(levelled(store.audio(row.clip_id)), row.frames, BANDS))
            kept = Utterance(mouths(store.frames(row.clip_id), EXTRA), columns.reshape(-1, BANDS))
            found.setdefault(row.actor, []).append(kept)
    return found


def draw(actors: list[list[Utterance]], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A batch of windows, augmented: grey mouths `[B,T,30,30]` in [0, 1] and log-mel features `[B,T,4 bands]`."""
    seen, heard = [], []
    for actor in rng.choice(len(actors), GROUPS, replace=False):
        clips = actors[actor]
        for clip in rng.choice(len(clips), GROUP, replace=len(clips) < GROUP):
            picture, sound = window(clips[clip], rng)
            seen.append(picture)
            heard.append(sound)
    torch_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
    sounds = augment_sound(torch.stack(heard), BANDS, tract=0.12, tilt=0.1, rng=torch_rng)
    noise = torch.randn(sounds.shape, generator=torch_rng)
    sounds = sounds + 0.04 * torch.rand((len(sounds), 1, 1), generator=torch_rng) * noise
    return disturbed(torch.stack(seen), torch_rng), sounds


def window(clip: Utterance, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A window at a random time and rate: grey `[T,38,38]` in 0..255, perhaps JPEG's, and features `[T,4 bands]`."""
    rate = 1 + STRETCH * (2 * rng.random() - 1)
    start = rng.random() * (len(clip.mouths) - 1 - rate * WINDOW)
    places = start + rate * np.arange(WINDOW)
    lower = places.astype(int)
    share = torch.from_numpy(places - lower).float()[:, None, None]
    weights = BT601 + rng.normal(0, 0.12, 3)
    pictures = clip.mouths[lower[0] : lower[-1] + 2] @ (weights / weights.sum()).astype(np.float32)
    if rng.random() < 0.5:
        coded = ["jpg", [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]]
        pictures = np.stack([jpeg(picture, coded[1]) for picture in pictures.clip(0, 255).astype(np.uint8)])
    whole = torch.from_numpy(pictures.astype(np.float32))
    picture = torch.lerp(whole[lower - lower[0]], whole[lower - lower[0] + 1], share)
    columns = (places[:, None] + rate * np.arange(COLUMNS) / COLUMNS).ravel() * COLUMNS
    low = columns.astype(int).clip(0, len(clip.columns) - 2)
    part = torch.from_numpy(columns - low).float().clamp(0, 1)[:, None]
    sound = torch.lerp(clip.columns[low], clip.columns[low + 1], part)
    return picture, sound.reshape(WINDOW, COLUMNS * BANDS)


def jpeg(picture: np.ndarray, how: list[int]) -> np.ndarray:
    """A picture as JPEG gives it back."""
    return cv2.imdecode(cv2.imencode(".jpg", picture, how)[1], cv2.IMREAD_GRAYSCALE)


def disturbed(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Windows `[B,T,38,38]` turned, shifted, scaled, mirrored, blurred, noisy and of other contrast: `[B,T,30,30]`."""
    count, side = len(pictures), CROP[1] - CROP[0]

    def evenly(*shape: int) -> Tensor:
        return 2 * torch.rand(shape, generator=rng) - 1

    angle, size = 0.15 * evenly(count), side / (side + 2 * EXTRA) * (1 + 0.12 * evenly(count))
    cos, sin = size * angle.cos(), size * angle.sin()
    mirror = torch.where(evenly(count) > 0, 1.0, -1.0)
    shift = 0.14 * evenly(count, 2)
    matrix = torch.stack([cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]], 1).reshape(count, 2, 3)
    grid = F.affine_grid(matrix, [count, 1, side, side], align_corners=False)
    pictures = F.grid_sample(pictures / 255, grid, padding_mode="border", align_corners=False)
    sigma = (1.6 * evenly(count)).clamp(0.05)
    taps = torch.exp(-(torch.arange(-3, 4) ** 2) / (2 * sigma[:, None] ** 2))
    taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(pictures.shape[1], 0)
    flat = pictures.reshape(1, -1, side, side)
    flat = F.conv2d(flat, taps[:, None, None], padding=(0, 3), groups=len(taps))
    flat = F.conv2d(flat, taps[:, None, :, None], padding=(3, 0), groups=len(taps))
    pictures = flat.reshape(pictures.shape)
    gamma = torch.exp(0.4 * evenly(count, 1, 1, 1))
    noise = (0.03 * evenly(count, 1, 1, 1)).clamp(0) * torch.randn(pictures.shape, generator=rng)
    return pictures.clamp(1e-3, 1) ** gamma * (1 + 0.3 * evenly(count, 1, 1, 1)) + noise


def learning_rate(step: int, steps: int) -> float:
    """Warmed up over 100 steps, even for a third of the way, then down to 0 by half a cosine."""
    left = min(1.0, 1.5 * (1 - step / steps))
    return LEARNING_RATE * min(1.0, (step + 1) / 100) * (0.5 - 0.5 * math.cos(math.pi * left))


def losses(scorer: SyncScorer, pictures: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE over the frames of a group of windows, and over shifts of whole windows."""
    with torch.autocast("cpu", torch.bfloat16):
        seen, heard = scorer.see(pictures)[:, MARGIN:-MARGIN], scorer.hear(sounds)[:, MARGIN:-MARGIN]
    length = seen.shape[1]
    seen, heard = (x.reshape(GROUPS, GROUP * length, -1) for x in (seen, heard))
    cosines = seen @ heard.transpose(1, 2)  # [GROUPS, N, N]
    logits = cosines * scorer.scale.exp()
    place = torch.arange(GROUP * length)
    apart, own = (place[:, None] - place).abs(), place[:, None] // length == place // length
    target = torch.where(own, torch.exp(-(apart.float() ** 2) / (2 * 0.6**2)), 0.0)
    target = target / target.sum(1, keepdim=True)
    frames = -(target * (logits.log_softmax(2) + logits.log_softmax(1))).sum(2).mean() / 2
    blocks = cosines.reshape(GROUPS, GROUP, length, GROUP, length)
    reach = 15
    # [GROUPS, GROUP, GROUP, shifts]: each picture window against each sound window of its actor, at each shift
    shifts = torch.stack([blocks.diagonal(k, dim1=2, dim2=4).mean(-1) for k in range(-reach, reach + 1)], dim=-1)
    wanted = torch.arange(GROUP) * (2 * reach + 1) + reach
    whole = F.cross_entropy(40 * shifts.flatten(2).flatten(0, 1), wanted.repeat(GROUPS), label_smoothing=0.05)
    return frames, whole


def train(run: Path, stores: list[Path], steps: int, seed: int) -> None:
    """Train for so many steps; carries on from the run's checkpoint."""
    keep_freed_memory()
    opened = [Store.open(path) for path in stores]
    begun = time.process_time()
    corpora = [list(utterances(store, "train").values()) for store in opened]
    torch.manual_seed(seed)
    scorer = SyncScorer()
    ema = Ema(scorer, 0.998)
    optimizer = torch.optim.AdamW(scorer.parameters(), LEARNING_RATE, weight_decay=0.02)
    checkpoint, first, spent = run / "checkpoint.safetensors", 0, 0.0
    if checkpoint.exists():
        tree, about = load_tree(checkpoint)
        scorer.load_state_dict(tree["network"])
        optimizer.load_state_dict(tree["optimizer"])
        ema.load_state_dict(tree["ema"])
        torch.set_rng_state(tree["random"])
        first, spent = about["step"], about["seconds"]

    def save(done: int) -> None:
        seconds = spent + time.process_time() - begun
        tree = {"network": scorer.state_dict(), "optimizer": optimizer.state_dict(), "ema": ema.state_dict()}
        save_tree(checkpoint, {**tree, "random": torch.get_rng_state()}, {"step": done, "seconds": seconds})
        about = {
            "steps": done,
            "seconds": round(seconds),
            "seed": seed,
            "stores": {store.info.corpus: store.fingerprint for store in opened},
            "actors": {store.info.corpus: store.actors("train") for store in opened},
            "viseme": viseme.__version__,
        }
        save_model(run / "sync_scorer.safetensors", ema.average, asdict(scorer.config), about, torch.float16)

    total = torch.zeros(2)
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        rng = np.random.default_rng([seed, step])
        chosen = corpora[int(rng.random() < 0.25) % len(corpora)]
        pictures, sounds = draw(chosen, rng)
        frames, whole = losses(scorer, pictures, sounds)
        optimizer.zero_grad()
        (frames + whole).backward()
        optimizer.step()
        ema.update()
        total += torch.stack([frames, whole]).detach()
        if (step + 1) % LOG == 0:
            seconds, means = spent + time.process_time() - begun, (total / LOG).tolist()
            print(f"{step + 1}: frames {means[0]:.3f}, windows {means[1]:.3f}, {seconds:.0f} s", flush=True)
            total.zero_()
        if (step + 1) % CHECKPOINT == 0:
            save(step + 1)
    save(steps)


@dataclass(frozen=True)
class Shifted:
    """What the scorer finds in N clips.

    Attributes:
        offsets: int `[N,21]`, with the picture moved by -10 to 10 frames against the sound.
        true: confidence with its own sound, `[N]`.
        shuffled: with the sound of another clip of its actor, `[N]`.
    """

    offsets: np.ndarray
    true: np.ndarray
    shuffled: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Frames between the offset found and the true shift, `[N,21]`."""
        return np.abs(self.offsets - np.arange(-REACH, REACH + 1))


def shifted(scorer: SyncScorer, store: Store, split: str) -> Shifted:
    """Offsets of a split's clips with the picture moved by -10 to 10 frames, and confidence beside another's sound."""
    offsets, true, shuffled = [], [], []
    for actor in store.actors(split):
        clips = [store.clip(row.clip_id) for row in store.clips(split) if row.actor == actor]
        for clip, other in zip(clips, clips[1:] + clips[:1], strict=True):
            for shift in range(-REACH, REACH + 1):
                count = len(clip.frames) - REACH
                picture, sound = max(0, -shift), max(0, shift) * SAMPLES_PER_FRAME
                cut = clip.frames[picture:][:count], clip.audio[sound:][: count * SAMPLES_PER_FRAME]
                offsets.append(mouth_audio_sync(*cut, scorer).offset)
            true.append(mouth_audio_sync(clip.frames, clip.audio, scorer).confidence)
            shuffled.append(mouth_audio_sync(clip.frames, other.audio, scorer).confidence)
    return Shifted(np.reshape(offsets, (-1, 2 * REACH + 1)), np.array(true), np.array(shuffled))


def score(model: Path, store: Store, split: str) -> dict[str, float]:
    """What the card says."""
    found = shifted(load_scorer(model), store, split)
    return {
        "clips": len(found.true),
        "within_one": float(np.mean(found.errors <= 1)),
        "exact": float(np.mean(found.errors == 0)),
        "true_median": float(np.median(found.true)),
        "true_p10": float(np.percentile(found.true, 10)),
        "shuffled_p90": float(np.percentile(found.shuffled, 90)),
        "shuffled_median": float(np.median(found.shuffled)),
    }


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train")
    learn.add_argument("run", type=Path)
    learn.add_argument("stores", type=Path, nargs="+", metavar="STORE")
    learn.add_argument("--steps", type=int, default=STEPS)
    learn.add_argument("--seed", type=int, default=0)
    measure = commands.add_parser("score")
    measure.add_argument("model", type=Path)
    measure.add_argument("store", type=Path)
    measure.add_argument("--split", default="val")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.command == "train":
        train(given.run, given.stores, given.steps, given.seed)
    else:
        print(json.dumps(score(given.model, Store.open(given.store), given.split), indent=1))


if __name__ == "__main__":
    main()
