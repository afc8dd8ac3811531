"""A store as files that anything opens: a video, a sound and landmarks a clip, and tables, so that nobody is locked in.

`viseme prepare folder` reads the folder back, by its `actors.csv`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import wave
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import viseme
from viseme import parallel
from viseme.data.manifest import OK, ClipRow
from viseme.data.mirror import is_remote
from viseme.data.store import Store
from viseme.errors import ConfigError, OutputError
from viseme.files import AnyPath, write_json, write_text, written_aside
from viseme.generation.provenance import GENERATOR
from viseme.generation.writer import CRF, VideoWriter
from viseme.parallel import stop_if_orphaned
from viseme.progress import progress
from viseme.types import SAMPLE_RATE, Float32

EXPORT = "export.json"
"""What the folder is an export of."""
ACTORS, MANIFEST = "actors.csv", "manifest.csv"
SOUNDS, LANDMARKS = "sounds", "landmarks"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What `export` left.

    Attributes:
        clips: in the folder.
        frames: of these.
        fresh: clips that this run wrote; the others were there.
    """

    clips: int
    frames: int
    fresh: int


@dataclass(frozen=True, slots=True)
class _Task:
    store: Store
    rows: tuple[ClipRow, ...]
    out: Path
    crf: int


def export(store: AnyPath | Store, out: AnyPath, *, crf: int = CRF, jobs: int | None = None) -> ExportReport:
    """Write the accepted clips of a store as files; stopped, the same call carries on.

    `ID.mp4` shows the aligned frames and has the sound, both compressed; `sounds/ID.wav` is the sound as stored
    (16 kHz, mono, int16), `landmarks/ID.npy` the points, float32 `[T,68,2]` in pixels of the frames, whole numbers at
    pixel centres. `manifest.csv` has the store's rows, rejected clips too; `actors.csv` is what `prepare folder` reads;
    `export.json` keeps the settings. The tables come last: with them the export is whole.

    Args:
        store: open, a folder, or a URL.
        out: a new or an empty folder, or one that this call began.
        crf: H.264's constant rate factor, 0 to 51; 0 loses the least (colours are halved in resolution all the same).
        jobs: workers; as many as there are processors by default.

    Raises:
        ConfigError: a crf or a number of jobs out of range.
        InputError: frames of an odd size, which no player takes.
        StoreError: not a store, or damaged.
        OutputError: the folder holds something else, or cannot be written.
    """
    if not 0 <= crf <= 51:
        raise ConfigError(f"crf {crf}: H.264 knows 0, the finest, to 51")
    parallel.check(jobs, parallel.LOKY)
    store = store if isinstance(store, Store) else Store.open(store)
    rows, folder = store.clips(), Path(out)
    _begin(folder, out, store, crf)
    by_shard: dict[int, list[ClipRow]] = defaultdict(list)
    for row in rows:
        if not (folder / f"{row.clip_id}.mp4").is_file():
            by_shard[row.shard].append(row)
    tasks = [_Task(store, tuple(by_shard[number]), folder, crf) for number in sorted(by_shard)]
    fresh = sum(len(task.rows) for task in tasks)
    with progress("export", len(rows), "clips", done=len(rows) - fresh) as advance:
        for count in parallel.unordered(_write_clips, tasks, jobs):
            advance(count)
    _write_tables(folder, store.rows, rows)
    return ExportReport(len(rows), sum(row.frames for row in rows), fresh)


def _begin(folder: Path, out: AnyPath, store: Store, crf: int) -> None:
    """Write what this is an export of, or see that the folder is an export of the same."""
    if is_remote(out):
        raise OutputError(f"{out}: clips are exported into folders; write one here, then copy it there")
    settings = json.loads(json.dumps(dataclasses.asdict(store.info)))
    about = {"generator": GENERATOR, "fingerprint": store.fingerprint, "crf": crf, "settings": settings}
    path = folder / EXPORT
    if path.is_file():
        try:
            same = json.loads(path.read_text(encoding="utf-8")) == about
        except (OSError, ValueError):
            same = False
        if not same:
            raise OutputError(f"{folder}: begun as the export of another store or at another crf; choose a new folder")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: holds other things; choose a new or an empty folder")
    write_json(path, about)


def _write_clips(task: _Task) -> int:
    for row in task.rows:
        stop_if_orphaned()
        clip = task.store.clip(row.clip_id)
        _write_wav(task.out / SOUNDS / f"{row.clip_id}.wav", clip.audio)
        with written_aside(task.out / LANDMARKS / f"{row.clip_id}.npy") as aside:
            assert clip.landmarks is not None
            np.save(aside, clip.landmarks, allow_pickle=False)
        video = task.out / f"{row.clip_id}.mp4"  # last: by it a clip is known as done
        with VideoWriter(video, task.store.info.size, clip.audio, metadata=_record(row), crf=task.crf) as writer:
            for frame in clip.frames:
                writer.write(frame)
    return len(task.rows)


def _record(row: ClipRow) -> dict[str, object]:
    """What the video says of itself: `viseme.generation.provenance`."""
    record: dict[str, object] = {"generator": GENERATOR, "version": viseme.__version__, "name": "export"}
    return record | {"control": "export", "ai_generated": False, "clip_id": row.clip_id, "audio_from": row.clip_id}


def _write_wav(path: Path, audio: Float32) -> None:
    """The samples as the store has them."""
    with written_aside(path) as aside, wave.open(str(aside), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(audio * 32767).astype("<i2").tobytes())


def _write_tables(folder: Path, rows: Sequence[ClipRow], accepted: Sequence[ClipRow]) -> None:
    columns = [field.name for field in dataclasses.fields(ClipRow)]
    cells = ([_cell(getattr(row, name)) for name in columns] for row in rows)
    write_text(folder / MANIFEST, _csv([columns, *cells]))
    listed = (
        [f"{row.clip_id}.mp4", row.actor, row.sentence, row.emotion, row.level, f"{SOUNDS}/{row.clip_id}.wav"]
        for row in accepted
        if row.status == OK
    )
    write_text(folder / ACTORS, _csv([["file", "actor", "sentence", "emotion", "level", "audio"], *listed]))


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
