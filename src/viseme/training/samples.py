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
    made = np.stack(list(islice(synthesizer.synthesize(conditionings, rng), length - 1)), axis=1)  # [B,T-1,S,S,3]
    return sheet(truths, [np.concatenate([truth[:1], frames]) for truth, frames in zip(truths, made, strict=True)])


def sheet(truths: Sequence[UInt8], made: Sequence[UInt8]) -> UInt8:
    """Eight times of each clip, spread over the frames 1, 2, ..., truth above and made below.

    Args:
        truths, made: of each clip uint8 `[T,S,S,3]`; what was made may be longer than truth.

    Returns:
        uint8 `[2 clips S, 8 S, 3]`.
    """
    rows = []
    for truth, frames in zip(truths, made, strict=True):
        times = np.linspace(0, len(truth) - 1, SHOWN + 1).round().astype(int)[1:]
        rows += [np.concatenate(list(shown[times]), axis=1) for shown in (truth, frames)]
    return np.concatenate(rows, axis=0)


def save_picture(path: Path, picture: UInt8) -> None:
    """Write a PNG whole or not at all."""
    with written_aside(path) as aside:
        Image.fromarray(picture).save(aside)
