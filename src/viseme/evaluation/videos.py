"""What is to be scored: a folder of videos, matched with the clips of a reference, none of either left unaccounted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viseme.errors import InputError
from viseme.evaluation.listing import Listing, is_video, list_videos
from viseme.evaluation.reading import read
from viseme.evaluation.reference import Reference
from viseme.types import UInt8

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


def find_videos(folder: str | os.PathLike[str], reference: Reference) -> Videos:
    """Match a folder's videos with the clips of a reference: by its pairs, the folder's manifest, or file names.

    Raises:
        InputError: no folder, a manifest that is none, no video that stands for a clip, or videos of several splits.
    """
    listing = list_videos(folder, named=reference.candidates is None)
    if reference.candidates is not None:
        return _paired(Path(folder), listing, reference, reference.candidates)
    split_of = {clip.clip_id: clip.split for clip in reference.clips}
    split = listing.split if listing.split and reference.divided else _only_split(folder, listing, split_of)
    named = {**listing.files, **listing.failed}
    others = [_name(listing, clip_id) for clip_id in sorted(named) if split_of.get(clip_id) != split]
    return Videos(listing.system, split, listing.fingerprint, listing.files, listing.failed, others)


def _only_split(folder: str | os.PathLike[str], listing: Listing, split_of: Mapping[str, str]) -> str:
    splits = sorted({split_of[clip_id] for clip_id in listing.files if clip_id in split_of})
    if not splits:
        raise InputError(
            f"{folder}: no video here is named after a clip of the reference; name them CLIP_ID.mp4, "
            "or give a CSV of pairs as reference"
        )
    if len(splits) > 1:
        raise InputError(f"{folder}: holds clips of {' and '.join(splits)}; put each split in a folder of its own")
    return splits[0]


def _paired(folder: Path, listing: Listing, reference: Reference, candidates: Mapping[str, Path]) -> Videos:
    home = Path(os.path.abspath(folder))
    for file in candidates.values():
        if not file.is_relative_to(home):
            raise InputError(
                f"{reference.name}: the candidate {file.name} does not lie in {home.name}; "
                "give the folder that holds all candidates of the pairs"
            )
    present = sorted(Path(root) / name for root, _, names in os.walk(home) for name in names)
    wanted = set(candidates.values())
    others = [file.relative_to(home).as_posix() for file in present if is_video(file) and file not in wanted]
    return Videos(listing.system, reference.clips[0].split, listing.fingerprint, candidates, {}, others)


def _name(listing: Listing, clip_id: str) -> str:
    return listing.files[clip_id].name if clip_id in listing.files else clip_id


def read_candidate(path: Path, frames: int, size: int, resample: bool = False) -> UInt8:
    """The frames of a candidate, uint8 `[T,S,S,3]`, T within one of `frames`.

    Raises `InputError`, naming the file alone, where it is missing, cannot be decoded, has another length or, unless
    `resample` is set, another size or rate.
    """
    limit = frames + SLACK + 1
    found = read(path, size, resample=resample, limit=limit)
    if abs(len(found) - frames) > SLACK:
        has = f"more than {limit - 1}" if len(found) == limit else str(len(found))
        raise InputError(f"{path.name}: has {has} frames at 25 a second where truth has {frames}; give the whole clip")
    return found
