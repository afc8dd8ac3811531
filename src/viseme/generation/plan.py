"""What a split asks for before anything is made: which clips, in which batches, driven by whose sound."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.data.store import ClipRow, Store
from viseme.errors import StoreError


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make.

    Attributes:
        frames: T of the true clip, the identity frame included.
        audio_from: the clip whose sound drives it: its own, or another's where sound is shuffled.
        reason: why it cannot be made, known beforehand; else empty.
    """

    clip_id: str
    actor: str
    frames: int
    audio_from: str
    reason: str = ""

    @property
    def file(self) -> str:
        """Its video's name."""
        return f"{self.clip_id}.mp4"


def plan(store: Store, split: str, shuffle_audio: int | None = None, limit: int | None = None) -> list[Job]:
    """A job for every clip of a split, sorted by clip_id, or for the first `limit` of them.

    Whose sound a clip gets depends on the whole split, never on the limit.

    Raises:
        StoreError: the split holds no clips.
    """
    rows = sorted(store.clips(split), key=lambda row: row.clip_id)
    if not rows:
        held = ", ".join(sorted({row.split for row in store.clips()})) or "none"
        raise StoreError(f"{store.path}: split {split!r} holds no clips; splits with clips: {held}")
    sounds = {row.clip_id: row.clip_id for row in rows}
    if shuffle_audio is not None:
        sounds = shuffled(rows, shuffle_audio)
    return [_job(row, sounds[row.clip_id]) for row in rows[:limit]]


def _job(row: ClipRow, audio_from: str) -> Job:
    reason = ""
    if not audio_from:
        reason = f"actor {row.actor} has no other clip in the split whose sound could drive it"
    elif row.frames < 2:
        reason = f"a clip of {row.frames} frame leaves nothing to make"
    return Job(row.clip_id, row.actor, row.frames, audio_from, reason)


def shuffled(rows: Sequence[ClipRow], seed: int) -> dict[str, str]:
    """For every clip another clip of the same actor, each clip's sound used once; empty where the actor has one clip.

    Each actor's draw rests on the seed and the actor's name alone.
    """
    sounds: dict[str, str] = {}
    for actor, group in itertools.groupby(sorted(rows, key=lambda row: (row.actor, row.clip_id)), lambda r: r.actor):
        clips = [row.clip_id for row in group]
        key = int.from_bytes(hashlib.sha256(actor.encode()).digest()[:8], "big")
        order = derangement(len(clips), np.random.default_rng([seed, key])) if len(clips) > 1 else None
        sounds |= {clip: "" if order is None else clips[order[i]] for i, clip in enumerate(clips)}
    return sounds


def derangement(count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """A permutation of `count` >= 2 places that leaves none where it was, all such being equally likely."""
    if count < 2:
        raise ValueError(f"{count} places have no derangement")
    while True:  # one in e permutations will do
        order = rng.permutation(count)
        if not (order == np.arange(count)).any():
            return order
