"""Everything a page about a store shows: its counts, its measures, frames of its clips, and all that was rejected."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from viseme.data.inspect import Reject, StoreSummary
from viseme.data.pictures import Picture, Strip, picture, source_picture, strips
from viseme.data.store import Store
from viseme.data.survey import Count, Distribution, Group, by_reason, counts, distributions
from viseme.errors import InputError

CLIPS, FRAMES = 24, 4
"""Of a contact sheet."""
PICTURES = 24
"""Rejects of one reason that are shown by a picture; the others are named."""


@dataclass(frozen=True, slots=True)
class Look:
    """A store, looked at.

    Attributes:
        summary: what it is and holds.
        emotions: accepted clips of each; none where none is known.
        sentences: accepted clips of each; none where none is known.
        distributions: length, and the measures that any clip has.
        worst: a picture of the worst clip of each distribution, by clip_id.
        strips: clips spread over the actors.
        rejects: all of them, by reason.
        rejected: pictures of the first of each reason by clip_id; empty where no source folder is given.
    """

    summary: StoreSummary
    emotions: Sequence[Count]
    sentences: Sequence[Count]
    distributions: Sequence[Distribution]
    worst: Mapping[str, Picture]
    strips: Sequence[Strip]
    rejects: Sequence[Group]
    rejected: Mapping[str, Picture]


def look(store: Store, summary: StoreSummary, source: str | os.PathLike[str] | None = None) -> Look:
    """Look at a store, and at the folder it was prepared from where that is given.

    Args:
        store: opened; of one elsewhere the shards that hold the clips shown are fetched.
        summary: its own, of `viseme.data.inspect.describe`.
        source: the folder given to prepare, out of which rejected clips are decoded.

    Raises:
        InputError: `source` is no folder.
        StoreError: a shard is damaged or cannot be fetched.
    """
    if source is not None and not Path(source).is_dir():
        raise InputError(f"{source}: no such folder; give the folder that was prepared, or leave --source out")
    rows = store.clips()
    measured = distributions(rows, store.info.limits)
    rejects = by_reason(summary.rejected)
    shown: list[Reject] = [reject for group in rejects for reject, _ in group.clips[:PICTURES]] if source else []
    return Look(
        summary=summary,
        emotions=counts(rows, "emotion"),
        sentences=counts(rows, "sentence"),
        distributions=measured,
        worst={one: picture(store, store.row(one)) for one in sorted({one.worst for one in measured})},
        strips=strips(store, CLIPS, FRAMES),
        rejects=rejects,
        rejected={reject.clip_id: source_picture(source, reject) for reject in shown} if source else {},
    )
