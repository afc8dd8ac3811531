"""Sample sheets: what the model makes of held-out clips so far, under what is true."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from viseme.data.store import Store
from viseme.files import written_aside
from viseme.types import Conditioning, Synthesizer, UInt8

SHOWN, EVERY = 8, 3


def sample_sheet(synthesizer: Synthesizer, store: Store, clip_ids: Sequence[str], rng: torch.Generator) -> UInt8:
    """Roll out the beginnings of clips; uint8 `[2 clips S, 8 S, 3]`, of each clip truth above and made below."""
    size, length = synthesizer.size, 1 + SHOWN * EVERY
    truths, conditionings = [], []
    for clip_id in clip_ids:
        truth = store.frames(clip_id, 0, length, size=size)
        truths.append(truth)
        conditionings.append(
            Conditioning(
                identity=truth[0],
                audio=synthesizer.encode(store.audio(clip_id), store.row(clip_id).frames)[: len(truth)],
                landmarks=store.landmarks(clip_id, size=size)[: len(truth)],
                clip_id=clip_id,
            )
        )
    made = np.stack(list(islice(synthesizer.synthesize(conditionings, rng), length - 1)))  # [T-1, B, S, S, 3]
    rows = []
    for index, truth in enumerate(truths):
        times = [min(t, len(truth) - 1) for t in range(EVERY, length, EVERY)]
        rows.append(np.concatenate([truth[t] for t in times], axis=1))
        rows.append(np.concatenate([made[t - 1, index] for t in times], axis=1))
    return np.concatenate(rows, axis=0)


def save_picture(path: Path, picture: UInt8) -> None:
    """Write a PNG whole or not at all."""
    with written_aside(path) as aside:
        Image.fromarray(picture).save(aside)
