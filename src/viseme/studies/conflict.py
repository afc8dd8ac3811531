"""Whose mouth a video follows that has the sound of one clip and the landmarks of another."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np

from viseme.data.store import Store
from viseme.evaluation.background import training_curve
from viseme.evaluation.mouth import fitted, mouth_correlation
from viseme.evaluation.results import Results
from viseme.generation.manifest import VideoManifest
from viseme.studies.measures import scored


@dataclass(frozen=True, slots=True)
class Followed:
    """One number a video.

    Attributes:
        actors: who is seen.
        r: mouth correlation with the clip whose `audio` it has, and with the clip whose `landmarks`.
    """

    actors: list[str]
    r: dict[str, list[float]]

    @property
    def ahead(self) -> list[float]:
        """By how much it follows the audio's clip more."""
        return [a - b for a, b in zip(self.r["audio"], self.r["landmarks"], strict=True)]


def followed(crossed: Results, straight: Results, videos: str | PathLike[str], data: str | PathLike[str]) -> Followed:
    """Correlations of each crossed video's mouth opening with both clips' true ones, over what they have in common.

    Args:
        crossed: scores of videos that were made with another clip's sound.
        straight: scores against the same clips, in which every true opening is found.
        videos: the folder of the crossed videos; its manifest says whose sound each has.
        data: the store, whose training clips give the mean curve that is taken out first.
    """
    heard = {row.clip_id: row.audio_from for row in VideoManifest.load(videos).clips if row.status == "ok"}
    true = {clip.clip_id: clip.curves["opening_truth"] for clip in scored(straight) if "opening_truth" in clip.curves}
    curve = training_curve(Store.open(data))
    found = Followed([], {"audio": [], "landmarks": []})
    for clip in scored(crossed):
        sound = heard.get(clip.clip_id, "")
        if "opening" in clip.curves and clip.clip_id in true and sound in true:
            length = min(len(clip.curves["opening"]), len(true[sound]), len(true[clip.clip_id]))
            own = clip.curves["opening"][:length]
            rhythm = fitted(curve, length) if len(curve) else np.zeros(length)
            for signal, other in (("audio", true[sound]), ("landmarks", true[clip.clip_id])):
                found.r[signal].append(mouth_correlation(own, other[:length], rhythm))
            found.actors.append(clip.actor)
    return found
