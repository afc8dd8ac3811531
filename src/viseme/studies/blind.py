"""A sheet to guess from: strips of true and of generated clips, mixed and numbered, and the key to them apart.

Whoever wants to know how real a model looks writes down which strips are generated before opening the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from viseme.data.video import read_video
from viseme.errors import InputError
from viseme.evaluation.strips import write_png
from viseme.files import write_json
from viseme.generation.manifest import VideoManifest
from viseme.types import UInt8

STRIPS, FRAMES, COLUMNS = 20, 6, 2
SIDE, MARGIN = 128, 36
"""Pixels a side of a frame on the sheet, and left of a strip, where its number stands."""


def draw(videos: Mapping[str, str], truth: str, out: str, *, seed: int = 0) -> None:
    """Write `sheet.png` and `key.json`: half of the strips are truth's, the others shared out among the models.

    No clip is shown twice, so that none can be compared with itself. Frame 0, the photo that all share, is left out.

    Args:
        videos: model -> its folder of videos.
        truth: folder of truth's videos, written by the same writer.
        out: a folder.
        seed: of who is shown, and where.

    Raises:
        InputError: the folders have too few clips in common.
    """
    folders = {"truth": VideoManifest.load(truth), **{name: VideoManifest.load(path) for name, path in videos.items()}}
    paths = {"truth": Path(truth), **{name: Path(path) for name, path in videos.items()}}
    made = {name: {row.clip_id: row for row in rows.clips if row.status == "ok"} for name, rows in folders.items()}
    shared = sorted(set.intersection(*(set(rows) for rows in made.values())))
    strips = min(STRIPS, len(shared))
    if strips < 2:
        raise InputError(f"{truth}: shares {len(shared)} clips with all models, too few to guess from; roll out more")
    rng = np.random.default_rng(seed)
    clips = [shared[at] for at in rng.permutation(len(shared))[:strips]]
    models = sorted(videos)
    systems = ["truth"] * (strips // 2) + [models[at % len(models)] for at in range(strips - strips // 2)]
    order = [systems[at] for at in rng.permutation(strips)]
    rows = [
        _strip(read_video(paths[system] / made[system][clip].file), number)
        for number, (system, clip) in enumerate(zip(order, clips, strict=True), start=1)
    ]
    rows += [np.full_like(rows[0], 255)] * (-strips % COLUMNS)
    down = len(rows) // COLUMNS
    columns = [np.concatenate(rows[at : at + down]) for at in range(0, len(rows), down)]
    Path(out).mkdir(parents=True, exist_ok=True)
    write_png(Path(out) / "sheet.png", np.ascontiguousarray(np.concatenate(columns, axis=1)))
    pairs = enumerate(zip(order, clips, strict=True), start=1)
    write_json(Path(out) / "key.json", {str(n): {"system": system, "clip": clip} for n, (system, clip) in pairs})


def _strip(frames: UInt8, number: int) -> UInt8:
    """Evenly spaced frames in a row, enlarged, right of their number: uint8 `[SIDE + 4, ..., 3]`."""
    times = np.linspace(1, len(frames) - 1, FRAMES).round().astype(int)
    shown = [cv2.resize(frames[t], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for t in times]
    row = np.full((SIDE + 4, MARGIN + FRAMES * SIDE, 3), 255, np.uint8)
    row[2:-2, MARGIN:] = np.concatenate(shown, axis=1)
    cv2.putText(row, str(number), (4, SIDE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    return row
