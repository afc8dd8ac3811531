"""What a reader must know of these videos and this reference, beside the cautions that hold for any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viseme.evaluation.clip import Terms
from viseme.evaluation.fidelity import PSNR_CAP
from viseme.evaluation.reading import Look
from viseme.evaluation.results import ClipResult
from viseme.evaluation.summary import many
from viseme.evaluation.truth import UNKNOWN, TrueClip
from viseme.evaluation.videos import Videos
from viseme.types import FPS


def notes(
    found: Videos, divided: bool, terms: Terms, rows: Sequence[ClipResult], clips: Sequence[TrueClip]
) -> list[str]:
    """One line each.

    Args:
        found: the candidate.
        divided: whether the reference is a store.
        terms: of the evaluation.
        rows: scored or failed, one for each of `clips`.
        clips: truth.
    """
    lines = []
    if divided and found.fingerprint and found.fingerprint != terms.fingerprint:
        lines.append("The videos were made from another store than the reference; their identity frames may differ.")
    if any("mouth_correlation" in row.values for row in rows) and not len(terms.curve):
        lines.append("The reference has no training clips, so that mouth correlation is the raw r.")
    if unknown := sum(clip.actor == UNKNOWN for clip in clips):
        lines.append(
            f"Who speaks is not known for {unknown} of {many(len(clips), 'clip')}: "
            "they count as one actor, and intervals resample clips."
        )
    if any(row.values.get("psnr", 0) >= PSNR_CAP for row in rows):
        lines.append(f"Frames equal to truth's have no finite PSNR and count {PSNR_CAP:.0f} dB.")
    if found.others:
        few, more = ", ".join(found.others[:5]), len(found.others) - 5
        told = f"{few}{f' and {more} more' if more > 0 else ''}"
        lines.append(f"Not scored, being no clip of {'the split' if divided else 'the reference'}: {told}.")
    true = {clip.clip_id: clip for clip in clips}
    if odd := sum(row.status == "scored" and row.frames < true[row.clip_id].frames - 1 for row in rows):
        lines.append(f"In {odd} of {len(rows)} clips the video is a frame shorter than truth; the frames it has count.")
    return lines


def changed(looks: Mapping[str, Look], rows: Sequence[ClipResult], size: int) -> dict[str, int]:
    """How many of the scored clips' videos had another `rate` than 25 or another `size`, where any had."""
    seen = [looks[row.clip_id] for row in rows if row.status == "scored" and row.clip_id in looks]
    counts = {"rate": sum(not one.steady for one in seen), "size": sum(one.height != size for one in seen)}
    return {what: count for what, count in counts.items() if count}


def resampled(side: str, counts: Mapping[str, int], size: int, scored: int) -> str:
    """The line that says what `changed` counted of the candidate's or truth's videos; empty where nothing was."""
    words = {"rate": f"from another rate than {FPS} frames a second", "size": f"from another size than {size} pixels"}
    told = [f"{count} of {scored} {words[what]}" for what, count in counts.items()]
    return f"Resampled as asked, videos of the {side}: {', '.join(told)}." if told else ""
