"""What is to be scored: a folder of videos, with the manifest of `viseme generate` or named by clip."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from viseme.data.store import ClipRow
from viseme.data.video import read_frames
from viseme.errors import InputError
from viseme.evaluation.results import read_json
from viseme.types import UInt8

MANIFEST_SCHEMA = 1
SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".mpg", ".mpeg", ".m4v", ".flv", ".wmv", ".ts"}
SLACK = 1
"""Frames by which a candidate may differ from truth; encoders and other rates round."""


@dataclass(frozen=True, slots=True)
class Videos:
    """One system's videos of one split.

    Attributes:
        system: name and whatever its manifest says.
        split: which clips of the reference they stand for.
        fingerprint: of the store they were made from, empty where unknown.
        files: clip_id -> video.
        failed: clip_id -> why there is no video.
        others: names of files or clips that the split does not hold.
    """

    system: Mapping[str, Any]
    split: str
    fingerprint: str
    files: Mapping[str, Path]
    failed: Mapping[str, str]
    others: Sequence[str]


def find_videos(folder: str | os.PathLike[str], clips: Sequence[ClipRow]) -> Videos:
    """Read a folder's manifest, or match its videos' stems to clip ids.

    Args:
        folder: of videos.
        clips: all accepted clips of the reference.

    Raises:
        InputError: no folder, a manifest that is none, or no video whose stem is a clip of one split.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{folder}: is no folder; give a folder of videos, each named after its clip")
    if (path / "manifest.json").is_file():
        return _from_manifest(path, clips)
    return _from_names(path, clips)


def _from_manifest(folder: Path, clips: Sequence[ClipRow]) -> Videos:
    place = f"{folder.name}/manifest.json"
    value = read_json(folder / "manifest.json", "a folder that `viseme generate` wrote")
    if not isinstance(value, dict) or value.get("schema") != MANIFEST_SCHEMA:
        schema = value.get("schema") if isinstance(value, dict) else None
        raise InputError(f"{place}: is of schema {schema!r}, this version reads {MANIFEST_SCHEMA}; generate again")
    try:
        system, reference = dict(value["system"]), dict(value["reference"])
        split = str(reference["split"])
        rows = [(str(row["clip_id"]), row) for row in value["clips"]]
        system.setdefault("name", folder.resolve().name)
        known = {row.clip_id for row in clips if row.split == split}
        files: dict[str, Path] = {}
        failed: dict[str, str] = {}
        for clip_id, row in rows:
            if row["status"] == "failed":
                failed[clip_id] = f"not generated: {row['reason'] or 'no reason given'}"
            elif _leaves(str(row["file"])):
                failed[clip_id] = f"its file {row['file']} lies outside the folder; generate it again"
            else:
                files[clip_id] = folder / str(row["file"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: is damaged ({error!r}); generate again") from error
    others = sorted({clip_id for clip_id, _ in rows} - known)
    return Videos(system, split, str(reference.get("fingerprint") or ""), files, failed, others)


def _leaves(file: str) -> bool:
    """Whether a manifest's path points out of its folder: a report would copy the bytes of whatever lies there."""
    return Path(file).is_absolute() or ".." in Path(file).parts


def _from_names(folder: Path, clips: Sequence[ClipRow]) -> Videos:
    split_of = {row.clip_id: row.split for row in clips}
    found = sorted(
        file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )
    files: dict[str, Path] = {}
    for file in (file for file in found if file.stem in split_of):
        if other := files.get(file.stem):
            raise InputError(f"{folder.name}: {other.name} and {file.name} both stand for clip {file.stem}; keep one")
        files[file.stem] = file
    splits = sorted({split_of[clip_id] for clip_id in files})
    if not splits:
        raise InputError(f"{folder}: no video here is named after a clip of the reference; name them CLIP_ID.mp4")
    if len(splits) > 1:
        raise InputError(f"{folder}: holds clips of {' and '.join(splits)}; put each split in a folder of its own")
    others = [file.name for file in found if file.stem not in split_of]
    return Videos({"name": folder.resolve().name}, splits[0], "", files, {}, others)


def first_size(videos: Videos, clip_ids: Sequence[str]) -> int | None:
    """Pixels of the first of these clips that can be read and is square; None where there is no such video."""
    for clip_id in clip_ids:
        if clip_id in videos.files:
            try:
                height, width = next(read_frames(videos.files[clip_id])).shape[:2]
            except (InputError, StopIteration):
                continue  # its own row will say so
            if height == width:
                return int(height)
    return None


def read_candidate(path: Path, frames: int, size: int) -> UInt8:
    """The frames of a candidate, uint8 `[T,S,S,3]`, T within one of `frames`.

    Raises `InputError`, naming the file alone, where it is missing, cannot be decoded, or has another size or length.
    """
    limit = frames + SLACK + 1
    try:
        read: list[UInt8] = []
        for frame in islice(read_frames(path), limit):
            if frame.shape[:2] != (size, size):
                height, width = frame.shape[:2]
                raise InputError(f"{path.name}: has {width}x{height} pixels where {size}x{size} are scored; resize it")
            read.append(frame)
    except InputError as error:
        # Results travel; the machine's folders are no part of them.
        raise InputError(str(error).replace(str(path), path.name)) from error
    if abs(len(read) - frames) > SLACK:
        has = f"more than {limit - 1}" if len(read) == limit else str(len(read))
        raise InputError(f"{path.name}: has {has} frames at 25 a second where truth has {frames}; give the whole clip")
    return np.stack(read)
