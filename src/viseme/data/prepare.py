"""From a corpus to a store: every listed clip is aligned into a shard, or rejected with its reason.

The sorted list of clips is cut into chunks of sixteen; chunk i becomes shard i, whole or not at all. So a run that was
stopped carries on with the shards that are missing, and gives the store that an undisturbed run would have given.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from viseme import __version__, parallel
from viseme.data.carry_on import begin, finished, locked, sweep
from viseme.data.chunks import Job, make_shard
from viseme.data.corpora import SourceClip, corpus_named
from viseme.data.faces import default_backend
from viseme.data.manifest import MANIFEST, OK, ClipRow, write_manifest
from viseme.data.mirror import INFO
from viseme.data.prepare_clip import Limits, valid_text
from viseme.data.split import split_actors
from viseme.data.store import RATES, SCHEMA, StoreInfo
from viseme.data.sums import SUMS
from viseme.data.track import CHOICES
from viseme.errors import ConfigError, InputError
from viseme.progress import progress

CHUNK = 16
"""Clips a shard."""
ALIGNMENTS = ("clip", "frame")


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What a run of `prepare` left in the store.

    Attributes:
        accepted: clips that can be trained on or scored.
        rejected: clips that cannot; the manifest says why.
        frames: of the accepted clips.
        seconds: this run took.
        fresh: clips that this run prepared; the others were there.
        reasons: the most frequent reasons, file names left out, with their counts.
    """

    accepted: int
    rejected: int
    frames: int
    seconds: float
    fresh: int
    reasons: tuple[tuple[str, int], ...]


def prepare(
    corpus: str,
    src: str | os.PathLike[str],
    store: str | os.PathLike[str],
    *,
    size: int = 128,
    align: str = "clip",
    face: str = "largest",
    test_actors: Sequence[str] = (),
    val_actors: Sequence[str] = (),
    seed: int = 0,
    jobs: int | None = None,
    engine: str = parallel.LOKY,
    limits: Limits | None = None,
) -> PrepareReport:
    """Prepare the clips of a corpus into a store; carry on where an earlier run stopped.

    The split is by actor, or the corpus's own where it has one and no actor is named.

    Shards that are there stay, except those whose sources have changed since, which are made again. Interrupted, it
    leaves whole shards only.

    Args:
        corpus: a name in `viseme.data.corpora.CORPORA`.
        src: the folder that holds the corpus.
        store: the folder to write; new, empty, or begun by the same command.
        size: height and width of aligned frames in pixels.
        align: `clip`, one transform a clip (head motion stays), or `frame`, one a frame.
        face: which of several faces to follow, `largest` or `central`, nearest to the frame's middle.
        test_actors: actors to hold out; a tenth by seed where none is named.
        val_actors: actors to choose by; a tenth by seed where none is named.
        seed: of the split.
        jobs: workers; as many as there are processors by default, of this machine or of Ray's cluster.
        engine: `loky`, processes on this machine, or `ray` (see `viseme.parallel.unordered`).
        limits: which clips to reject.

    Raises:
        InputError: unknown corpus or actor, nothing found, not a single clip accepted, or no Ray.
        ConfigError: a size, alignment, face or number of jobs out of range, or an unknown engine.
        StoreError: the store was begun with other settings or another list of clips, or a shard is damaged.
        OutputError: it cannot be written, another run is writing it, or a worker died.
    """
    began = time.monotonic()
    limits = limits or Limits()
    _check(size, align, face)
    parallel.check(jobs, engine)
    known, root, folder = corpus_named(corpus), Path(src), Path(store)
    clips = safe_clips(known.clips(root))
    splits = _splits(clips, seed, test_actors, val_actors)
    info = StoreInfo(
        schema=SCHEMA,
        size=size,
        **RATES,
        align=align,
        detector=default_backend().name,
        corpus=known.name,
        licence=known.licence,
        seed=seed,
        test_actors=tuple(sorted(test_actors)),
        val_actors=tuple(sorted(val_actors)),
        limits=dataclasses.asdict(limits),
        clips=len(clips),
        listing=_listing(clips, root),
        version=__version__,
        face=face,
    )
    chunks = [clips[start : start + CHUNK] for start in range(0, len(clips), CHUNK)]
    with locked(folder):
        begin(folder, info)
        rows: list[ClipRow] = []
        todo: list[Job] = []
        for number, chunk in enumerate(chunks):
            chunk_splits = tuple(splits[clip.clip_id] for clip in chunk)
            if (there := finished(folder, number, chunk, chunk_splits)) is not None:
                rows += there
            else:
                todo.append(Job(number, tuple(chunk), chunk_splits, root, folder, size, align, limits, face))
        fresh = len(clips) - len(rows)
        manifest = folder / MANIFEST
        if todo:
            manifest.unlink(missing_ok=True)
            (folder / SUMS).unlink(missing_ok=True)
        with progress("prepare", len(clips), "clips", done=len(rows)) as advance:
            for made in parallel.unordered(make_shard, todo, jobs, engine, shared=(root, folder / INFO)):
                rows += made
                advance(len(made))
        sweep(folder)
        if todo or not manifest.is_file():
            write_manifest(folder, rows)
    return _report(rows, fresh, time.monotonic() - began, root)


def safe_clips(clips: Sequence[SourceClip]) -> list[SourceClip]:
    """Clips sorted by clip_id, each id safe as a file name and a tensor name, each actor's name valid Unicode.

    In ids letters, digits, `_`, `-` and `.` stay; anything else becomes `_`, and a piece of the id's hash keeps them
    unique.

    Raises:
        InputError: two clips have one id.
    """
    by_id: dict[str, SourceClip] = {}
    for clip in clips:
        clip_id = _safe(clip.clip_id)
        if (other := by_id.get(clip_id)) is not None:
            raise InputError(f"{clip.video} and {other.video}: both would be clip {clip_id!r}; rename one of them")
        by_id[clip_id] = dataclasses.replace(clip, clip_id=clip_id, actor=valid_text(clip.actor))
    return [by_id[clip_id] for clip_id in sorted(by_id)]


def _safe(clip_id: str) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in clip_id)
    safe = ("_" + safe if safe[:1] in (".", "-", "") else safe)[:150]
    return (
        safe
        if safe == clip_id
        else f"{safe}-{hashlib.sha256(clip_id.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    )


def _check(size: int, align: str, face: str) -> None:
    if not 16 <= size <= 1024 or size % 2:
        raise ConfigError(f"size {size}: aligned frames have an even 16 to 1024 pixels a side; 64, 128, 256 are usual")
    if align not in ALIGNMENTS:
        raise ConfigError(f"align {align!r}: unknown; give {' or '.join(ALIGNMENTS)}")
    if face not in CHOICES:
        raise ConfigError(f"face {face!r}: unknown; give {' or '.join(CHOICES)}")


def _splits(
    clips: Sequence[SourceClip], seed: int, test_actors: Sequence[str], val_actors: Sequence[str]
) -> dict[str, str]:
    """The corpus's own split where it has one of every clip and no actor is named, else one by actor."""
    if all(clip.split for clip in clips) and not (test_actors or val_actors):
        return {clip.clip_id: clip.split for clip in clips}
    return split_actors(((clip.clip_id, clip.actor) for clip in clips), seed, test_actors, val_actors)


def _listing(clips: Sequence[SourceClip], root: Path) -> str:
    listed = [[clip.clip_id, clip.actor, os.path.relpath(clip.video, root)] for clip in clips]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def _report(rows: Sequence[ClipRow], fresh: int, seconds: float, root: Path) -> PrepareReport:
    accepted = [row for row in rows if row.status == OK]
    reasons = Counter(row.reason.removeprefix(f"{row.source}: ") for row in rows if row.status != OK)
    common = tuple(reasons.most_common(10))
    if not accepted:
        why, count = common[0]
        raise InputError(f"{root}: not one of {len(rows)} clips can be used; {count} of them: {why}")
    return PrepareReport(
        accepted=len(accepted),
        rejected=len(rows) - len(accepted),
        frames=sum(row.frames for row in accepted),
        seconds=seconds,
        fresh=fresh,
        reasons=common,
    )
