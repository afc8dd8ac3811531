"""What an earlier call left in a folder of videos, and which of its batches still stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from viseme.errors import InputError, OutputError
from viseme.generation.manifest import MANIFEST, SystemInfo, VideoManifest, VideoRow
from viseme.generation.plan import Job


def kept_batches(folder: Path, wanted: VideoManifest, batches: Sequence[Sequence[Job]]) -> dict[int, list[VideoRow]]:
    """The batches of an earlier call that are whole, by number.

    None are where a model does not say its weights' sha256, since they could be others.

    Raises:
        OutputError: something else is there: a file, videos without a manifest, videos of another run.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; give a folder for the videos")
    if not (folder / MANIFEST).is_file():
        taken = next((job.file for batch in batches for job in batch if (folder / job.file).exists()), None)
        if taken:
            raise OutputError(f"{folder}: holds {taken}, but no {MANIFEST}; choose an empty folder")
        return {}
    try:
        found = VideoManifest.load(folder)
    except InputError as error:
        raise OutputError(str(error)) from error
    difference = _difference(found, wanted)
    if difference:
        raise OutputError(f"{folder}: holds videos of another run ({difference}); choose another folder or remove it")
    if wanted.system.control is None and wanted.system.model_sha256 is None:
        return {}
    rows: dict[int, list[VideoRow]] = {}
    for row in found.clips:
        rows.setdefault(row.batch, []).append(row)
    return {
        number: rows[number]
        for number, batch in enumerate(batches)
        if [row.clip_id for row in rows.get(number, [])] == [job.clip_id for job in batch]
        and all(_stands(folder, row, job) for row, job in zip(rows[number], batch, strict=True))
    }


def _stands(folder: Path, row: VideoRow, job: Job) -> bool:
    """Whether an earlier call's row needs no more work: its video is there, or it can never be made."""
    if row.status == "ok":
        return not job.reason and row.audio_from == job.audio_from and (folder / row.file).is_file()
    return row.reason == job.reason


def _difference(found: VideoManifest, wanted: VideoManifest) -> str:
    """The first thing in which two runs differ, in words; empty if they are the same run."""
    pairs = [(f"{f.name}", getattr(found.system, f.name), getattr(wanted.system, f.name)) for f in fields(SystemInfo)]
    pairs += [("store", found.reference.fingerprint[:12], wanted.reference.fingerprint[:12])]
    pairs += [("split", found.reference.split, wanted.reference.split)]
    pairs += [("batch size", found.batch_size, wanted.batch_size)]
    return next((f"{name} {old!r}, now {new!r}" for name, old, new in pairs if old != new), "")
