"""What a video says of its own making: a record inside the MP4 that players show in words and tools read as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import viseme
from viseme.data.video import opened
from viseme.generation.manifest import CRF, SystemInfo
from viseme.types import FPS, Synthesizer

GENERATOR = "viseme"
RECORD = "description"
"""The MP4 tag (atom `desc`) that holds the record as JSON; `title` and `comment` say the same in words."""
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained model."""


def describe(
    synthesizer: Synthesizer, *, seed: int, shuffled_audio: int | None = None, leaking: bool = False
) -> SystemInfo:
    """What can be said about a synthesizer.

    Beside its protocol these attributes count where it has them: `control`, `fingerprint` (sha256 of its weights),
    `config` (with `name` and `sampling`).
    """
    config = getattr(synthesizer, "config", None)
    sampling = getattr(config, "sampling", None) or {}
    settings = sampling if isinstance(sampling, Mapping) else sampling.model_dump(mode="json")
    return SystemInfo(
        name=synthesizer.name,
        model=getattr(config, "name", synthesizer.name),
        model_sha256=getattr(synthesizer, "fingerprint", None),
        version=viseme.__version__,
        control=getattr(synthesizer, "control", None),
        shuffled_audio=shuffled_audio,
        leaking=leaking,
        size=synthesizer.size,
        fps=FPS,
        crf=CRF,
        seed=seed,
        sampling=dict(settings),
    )


def uses_landmarks(synthesizer: Synthesizer) -> bool:
    """Whether a synthesizer is driven by landmarks, which it says by an attribute `uses_landmarks`."""
    return bool(getattr(synthesizer, "uses_landmarks", False))


def needs_landmarks(synthesizer: Synthesizer) -> bool:
    """Whether it cannot do without them: as its attribute `needs_landmarks` says; without one, if it uses them."""
    return bool(getattr(synthesizer, "needs_landmarks", uses_landmarks(synthesizer)))


def provenance(system: SystemInfo, *, clip_id: str = "", audio_from: str = "") -> dict[str, Any]:
    """The record of one video.

    Args:
        system: what made it.
        clip_id: the clip of a store that it stands for, or empty.
        audio_from: the clip whose sound drove it, or empty.

    Returns:
        JSON types. `ai_generated` is False for controls, whose pictures are a camera's.
    """
    record: dict[str, Any] = {
        "generator": GENERATOR,
        "version": system.version,
        "name": system.name,
        "model": system.model,
        "model_sha256": system.model_sha256,
        "control": system.control,
        "seed": system.seed,
        "sampling": dict(system.sampling),
        "ai_generated": system.control is None,
    }
    if system.control is None:
        record["digital_source_type"] = SOURCE_TYPE
    if clip_id:
        record |= {"clip_id": clip_id, "audio_from": audio_from}
    return record


def tags(record: Mapping[str, Any]) -> dict[str, str]:
    """The MP4 tags of a record: `title`, `comment`, the encoding tool, and the record itself in `description`."""
    program = f"{GENERATOR} {record.get('version', viseme.__version__)}"
    name, seed = record.get("name", "an unknown model"), record.get("seed")
    if record.get("ai_generated", True):
        title = f"AI-generated talking head ({name})"
        comment = (
            f"AI-generated: a model ({name}, {program}, seed {seed}) made these pictures from one photo and a voice."
        )
    else:
        title = f"Control {name}, not AI-generated"
        comment = f"Not AI-generated: the control {name} of {program} replays pictures of a recording."
    return {
        "title": title,
        "comment": comment,
        "encoding_tool": program,
        RECORD: json.dumps(dict(record), ensure_ascii=False, allow_nan=False, sort_keys=True),
    }


def read_provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The record that `VideoWriter` put into a video; empty for a video that has none.

    Raises:
        InputError: missing, or not a video.
    """
    with opened(path) as container:
        text = container.metadata.get(RECORD, "")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and record.get("generator") == GENERATOR else {}
