"""Clips scored so far, kept beside the results until these are written, so that a stopped evaluation carries on."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save_file

from viseme.errors import InputError
from viseme.evaluation.results import ClipResult, read_json
from viseme.files import write_json, written_aside


@dataclass(frozen=True, slots=True)
class Finished:
    """A hidden folder beside the results with a file a scored clip.

    Attributes:
        results: the results file that is being made.
    """

    results: Path

    @property
    def folder(self) -> Path:
        return self.results.with_name(f".{self.results.stem}_finished")

    def get(self, clip_id: str, key: str) -> ClipResult | None:
        """The clip as it was scored before under the same key, its pictures still there; else None."""
        try:
            clip = TypeAdapter(ClipResult).validate_python(read_json(self._file(clip_id, key), "nothing"))
        except (InputError, ValidationError):
            return None
        pictures = [self.results.parent / name for name in (clip.strip, clip.thumbnail) if name]
        return clip if all(picture.is_file() for picture in pictures) else None

    def put(self, clip: ClipResult, key: str) -> None:
        """Keep a scored clip. Raises `OutputError`."""
        write_json(self._file(clip.clip_id, key), asdict(clip))

    @staticmethod
    def put_features(path: Path, features: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays of a clip at the path that `features` gives. Raises `OutputError`."""
        with written_aside(path) as aside:
            save_file({name: np.ascontiguousarray(array) for name, array in features.items()}, aside)

    def features(self, clip_id: str, key: str) -> Path:
        """Where a clip's arrays for the set metrics are kept, in one safetensors file."""
        return self._file(clip_id, key).with_suffix(".safetensors")

    def clear(self) -> None:
        """Remove the folder: the results hold everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, clip_id: str, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(repr((clip_id, key)).encode()).hexdigest()[:32]}.json"
