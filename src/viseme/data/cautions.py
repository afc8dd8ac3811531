"""What somebody about to train on a store should know of it first, one line each."""

from __future__ import annotations

from collections.abc import Iterator

from viseme.data.inspect import StoreSummary
from viseme.data.manifest import ClipRow
from viseme.data.split import FEW_ACTORS

MOST_OF_ONE = 0.5
"""Share of the training clips past which they are called one actor's."""
MANY_REJECTED = 0.1
"""Share of the clips that were rejected."""
MANY_WITHOUT_FACE = 0.02
"""Share of the accepted frames in which no face was found."""
MANY_WITH_FACES = 0.1
"""Share of the accepted clips that show more than one face."""


def cautions(summary: StoreSummary, rows: list[ClipRow]) -> list[str]:
    """Warnings of a store, in the order of their weight.

    Args:
        summary: as `viseme.data.inspect.describe` gives it.
        rows: its accepted clips.
    """
    if not rows:
        return ["it holds no clip: nothing can be trained on or scored"]
    return [*_of_splits(summary, rows), *_of_clips(summary, rows)]


def _of_splits(summary: StoreSummary, rows: list[ClipRow]) -> Iterator[str]:
    there = {split.split for split in summary.splits}
    for split, purpose in (("train", "to train on"), ("val", "to choose by"), ("test", "held out to score on")):
        if split not in there:
            yield f"no clip is {purpose} (split {split}); prepare more actors, or name some for it"
    trained = {actor.actor: actor.clips["train"] for actor in summary.actors if "train" in actor.clips}
    if 0 < len(trained) < FEW_ACTORS:
        yield (
            f"few people: {len(trained)} to train on, fewer than {FEW_ACTORS}; what a model learns of them says little "
            "of other faces"
        )
    clips = sum(trained.values())
    if (
        len(trained) > 1
        and (most := max(trained, key=lambda actor: trained[actor]))
        and trained[most] / clips > MOST_OF_ONE
    ):
        yield f"{trained[most]} of {clips} training clips are of {most}: a model will favour that face"
    unheard = {row.emotion for row in rows if row.emotion and row.split in ("val", "test")} - {
        row.emotion for row in rows if row.split == "train"
    }
    if unheard and "train" in there:
        yield f"scored on but never trained on: {', '.join(sorted(unheard))}; such clips measure another task"


def _of_clips(summary: StoreSummary, rows: list[ClipRow]) -> Iterator[str]:
    rejected, clips = len(summary.rejected), len(summary.rejected) + summary.accepted
    if rejected / clips > MANY_REJECTED:
        yield f"{rejected} of {clips} clips were rejected; look at why before training on what is left"
    if 1 - summary.found > MANY_WITHOUT_FACE:
        yield (
            f"no face was found in {1 - summary.found:.1%} of the frames: their landmarks are guessed from the frames "
            "around them"
        )
    several = sum(row.faces is not None and row.faces > 1 for row in rows)
    if several / len(rows) > MANY_WITH_FACES:
        yield (
            f"{several} of {len(rows)} clips show more than one face: look whether the one that speaks was followed "
            f"(prepare --face {'central' if summary.info['face'] == 'largest' else 'largest'} chooses otherwise)"
        )
