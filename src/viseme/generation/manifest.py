"""`manifest.json`, beside the videos of a split: which system made them, from what, and what became of every clip."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from viseme.errors import InputError
from viseme.files import write_json

SCHEMA = 1
MANIFEST = "manifest.json"
CRF = 12
"""H.264's constant rate factor of everything that is scored."""


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What made the videos, completely enough to make them again.

    Attributes:
        name: how reports call it.
        model: the configuration's name, or the control's.
        model_sha256: of the weights; None for a control.
        version: of viseme.
        control: `frozen`, `reencoded`, `shifted:K`, or None for a model.
        shuffled_audio: the seed by which every clip got another clip's sound, or None.
        leaking: whether landmarks of the true video drove the model.
        size: height and width in pixels.
        fps: frames a second.
        crf: H.264's constant rate factor.
        seed: of everything drawn.
        sampling: the settings of sampling, as the configuration names them.
    """

    name: str
    model: str
    model_sha256: str | None
    version: str
    control: str | None
    shuffled_audio: int | None
    leaking: bool
    size: int
    fps: int
    crf: int
    seed: int
    sampling: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """The clips that the videos stand for: the store's folder name, its fingerprint and the split."""

    store: str
    fingerprint: str
    split: str


@dataclass(frozen=True, slots=True)
class VideoRow:
    """One clip of the split.

    Attributes:
        file: the video beside the manifest; empty where it failed.
        frames: T, the identity frame included.
        reason: why it failed, else empty.
        audio_from: the clip whose sound drove it and is heard.
        batch: the number of the batch it was made in.
        seconds: its share of the time that synthesis took; features, reading and encoding not counted.
    """

    clip_id: str
    actor: str
    file: str
    frames: int
    status: Literal["ok", "failed"]
    reason: str
    audio_from: str
    batch: int
    seconds: float


@dataclass(frozen=True, slots=True)
class VideoManifest:
    """A folder of videos.

    Attributes:
        batch_size: clips made together; the videos' bytes depend on it.
        total: clips that the command will have gone through when it is done.
        clips: those gone through so far, sorted by clip_id.
    """

    system: SystemInfo
    reference: Reference
    batch_size: int
    total: int
    clips: tuple[VideoRow, ...] = ()

    @property
    def failed(self) -> list[VideoRow]:
        """The clips without a video."""
        return [row for row in self.clips if row.status == "failed"]

    @property
    def seconds(self) -> float:
        """Time spent in synthesis alone."""
        return sum(row.seconds for row in self.clips)

    @property
    def frames_per_second(self) -> float | None:
        """Frames made (the identity frame not counted) in a second of synthesis; None where none was made."""
        made = sum(row.frames - 1 for row in self.clips if row.status == "ok")
        return made / self.seconds if self.seconds > 0 else None

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `manifest.json` whole or not at all."""
        fields = asdict(self)
        speed = self.frames_per_second
        summary = {
            "seconds": round(self.seconds, 3),
            "frames_per_second": None if speed is None else round(speed, 2),
        }
        write_json(Path(folder) / MANIFEST, {"schema": SCHEMA, **fields, **summary})

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> VideoManifest:
        """Read the manifest of a folder.

        Raises:
            InputError: there is none, it is not JSON, of another schema, or a field is missing or of the wrong kind.
        """
        path = Path(folder) / MANIFEST
        again = "remove it and generate the videos again"
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give a folder of generated videos") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: is not JSON; {again}") from error
        schema = value.get("schema") if isinstance(value, dict) else None
        if schema != SCHEMA:
            raise InputError(f"{path}: is of schema {schema!r}, this version reads {SCHEMA}; {again}")
        try:
            return TypeAdapter(cls).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{path}: {place}: {first['msg'].lower()}; {again}") from error
