"""What lies in a folder of videos: as the manifest of `viseme generate` says, or as the files are named."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viseme.errors import InputError
from viseme.evaluation.results import read_json

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".mpg", ".mpeg", ".m4v", ".flv", ".wmv", ".ts"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder's videos.

    Attributes:
        system: name and whatever the manifest says of what made them.
        split: the split of a store that they stand for; empty without a manifest.
        fingerprint: of that store; empty where unknown.
        files: clip_id -> video; without a manifest the clip_id is the file's stem.
        failed: clip_id -> why there is no video.
        actors: clip_id -> who speaks, where the manifest says.
    """

    system: Mapping[str, Any]
    split: str = ""
    fingerprint: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    actors: Mapping[str, str] = field(default_factory=dict)


def list_videos(folder: str | os.PathLike[str], *, named: bool = True) -> Listing:
    """Read a folder's manifest or, where there is none, its file names.

    Args:
        folder: of videos.
        named: whether file names say what is what; otherwise they are not looked at.

    Raises:
        InputError: no folder, a manifest that is none, or two videos of one name.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{folder}: is no folder; give a folder of videos, each named after its clip")
    if (path / MANIFEST).is_file():
        return _from_manifest(path)
    return _from_names(path) if named else Listing({"name": path.resolve().name})


def _from_manifest(folder: Path) -> Listing:
    place = f"{folder.name}/{MANIFEST}"
    value = read_json(folder / MANIFEST, "a folder that `viseme generate` wrote")
    if not isinstance(value, dict) or value.get("schema") != MANIFEST_SCHEMA:
        schema = value.get("schema") if isinstance(value, dict) else None
        raise InputError(f"{place}: is of schema {schema!r}, this version reads {MANIFEST_SCHEMA}; generate again")
    try:
        system, reference = dict(value["system"]), dict(value["reference"])
        split = str(reference["split"])
        files: dict[str, Path] = {}
        failed: dict[str, str] = {}
        actors: dict[str, str] = {}
        for row in value["clips"]:
            clip_id = str(row["clip_id"])
            if row.get("actor"):
                actors[clip_id] = str(row["actor"])
            if row["status"] == "failed":
                failed[clip_id] = f"not generated: {row['reason'] or 'no reason given'}"
            elif _leaves(str(row["file"])):
                failed[clip_id] = f"its file {row['file']} lies outside the folder; generate it again"
            else:
                files[clip_id] = folder / str(row["file"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: is damaged ({error!r}); generate again") from error
    system.setdefault("name", folder.resolve().name)
    return Listing(system, split, str(reference.get("fingerprint") or ""), files, failed, actors)


def _leaves(file: str) -> bool:
    """Whether a manifest's path points out of its folder: a report would copy the bytes of whatever lies there."""
    return Path(file).is_absolute() or ".." in Path(file).parts


def _from_names(folder: Path) -> Listing:
    files: dict[str, Path] = {}
    for file in sorted(file for file in folder.iterdir() if is_video(file)):
        if other := files.get(file.stem):
            raise InputError(f"{folder.name}: {other.name} and {file.name} both stand for clip {file.stem}; keep one")
        files[file.stem] = file
    return Listing({"name": folder.resolve().name}, files=files)


def is_video(file: Path) -> bool:
    """Whether a file's name is that of a video."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
