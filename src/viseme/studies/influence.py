"""How much of a picture hangs on each signal: the difference that taking one away makes to the frames.

The paper's figure 10 shows this for one frame, by the magnitude of pixels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from viseme.config import DdpmConfig
from viseme.data.store import Store
from viseme.data.video import read_frames
from viseme.data.windows import mouth_boxes
from viseme.errors import InputError
from viseme.evaluation.results import read_json
from viseme.files import AnyPath, write_json
from viseme.generation.manifest import VideoManifest
from viseme.types import UInt8

MARGIN = DdpmConfig().data.mouth_margin


@dataclass(frozen=True, slots=True)
class Influence:
    """Mean absolute difference on 0-255, a number a clip.

    Attributes:
        actors: of the clips.
        differences: signal that is taken away -> `frame` or `mouth` (its box) -> numbers.
    """

    actors: list[str]
    differences: dict[str, dict[str, list[float]]]

    def share(self, place: str) -> float:
        """Audio's part in what both signals change there, on means over clips; 0 where nothing changes."""
        audio, landmarks = (float(np.mean(self.differences[signal][place])) for signal in ("audio", "landmarks"))
        return audio / (audio + landmarks) if audio + landmarks > 0 else 0.0


def write_influence(both: AnyPath, only_audio: AnyPath, only_landmarks: AnyPath, data: AnyPath, out: AnyPath) -> None:
    """Compare the frames of three folders of videos of the same clips, and write `Influence` as JSON.

    Frame 0, which is given, does not count. The mouth box is that of truth's points 48-67.

    Raises:
        InputError: no clip has a video in all three.
    """
    store, found = Store.open(data), Influence([], {s: {"frame": [], "mouth": []} for s in ("audio", "landmarks")})
    size = VideoManifest.load(both).system.size
    for clip_id, actor in _common(both, only_audio, only_landmarks):
        whole = _frames(both, clip_id)[1:]
        boxes = mouth_boxes(store.landmarks(clip_id, size=size), size, MARGIN)[1 : len(whole) + 1]
        found.actors.append(actor)
        for signal, folder in (("audio", only_landmarks), ("landmarks", only_audio)):
            change = np.abs(whole.astype(np.float32) - _frames(folder, clip_id)[1:]).mean(axis=-1)
            found.differences[signal]["frame"].append(float(change.mean()))
            found.differences[signal]["mouth"].append(float(change[boxes].mean()))
    if not found.actors:
        raise InputError(f"{both}: no clip has a video with both signals and with either alone")
    write_json(out, asdict(found))


def read_influence(path: AnyPath) -> Influence:
    """What `write_influence` wrote. Raises `InputError` for anything else."""
    value = read_json(path, "a file of influences that a study wrote")
    try:
        return Influence(value["actors"], value["differences"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: holds no influences; remove it and run the same study again") from error


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of five pictures, uint8 `[S,5S,3]`, and the mean change that each signal makes in them."""

    sheet: UInt8
    audio: float
    landmarks: float


def pictures(both: AnyPath, only_audio: AnyPath, only_landmarks: AnyPath) -> Shown | None:
    """The middle frame of the first clip: with both signals, with either, and what lacks without audio and without
    landmarks (fourfold, on grey); None where no clip has all three videos."""
    common = _common(both, only_audio, only_landmarks)
    if not common:
        return None
    films = [_frames(folder, common[0][0]) for folder in (both, only_audio, only_landmarks)]
    whole, audio, landmarks = (film[len(film) // 2].astype(np.float32) for film in films)
    lacks = [np.clip(127.5 + 4 * (whole - other), 0, 255) for other in (landmarks, audio)]
    sheet = np.concatenate([whole, audio, landmarks, *lacks], axis=1).astype(np.uint8)
    return Shown(sheet, float(np.abs(whole - landmarks).mean()), float(np.abs(whole - audio).mean()))


def _common(*folders: AnyPath) -> list[tuple[str, str]]:
    """Clips, with their actors, that have a video in all folders."""
    made = [{r.clip_id: r.actor for r in VideoManifest.load(folder).clips if r.status == "ok"} for folder in folders]
    return sorted((clip_id, actor) for clip_id, actor in made[0].items() if all(clip_id in rows for rows in made))


def _frames(folder: AnyPath, clip_id: str) -> UInt8:
    return np.stack(list(read_frames(Path(folder) / f"{clip_id}.mp4")))
