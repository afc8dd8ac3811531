"""CREMA-D: 91 actors say twelve sentences in six emotions; all that is known of a clip stands in its file name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from viseme.data.corpora.base import VIDEO_SUFFIXES, SourceClip, listed, source_root, walk_files

SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
EMOTIONS = ("NEU", "HAP", "SAD", "ANG", "FEA", "DIS")
LEVELS = ("LO", "MD", "HI", "XX")
"""Low, medium, high (with IEO alone), unspecified."""
KNOWN_BAD = {
    "1076_MTI_NEU_XX": "very short, without sound",
    "1076_MTI_SAD_XX": "an error picture, very short, without sound",
    "1064_TIE_SAD_XX": "without duration",
    "1064_IEO_DIS_MD": "a minute long, with every emotion of its sentence",
}
"""What the corpus's own README says of four videos."""

_NAME = re.compile(r"(?P<actor>\d{4})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>[A-Z]{1,2})")
_SOUNDS = "audiowav"


class CremaD:
    """The crowd-sourced emotional multimodal actors dataset."""

    name = "cremad"
    title = "CREMA-D: 91 actors, 12 sentences, 6 emotions, 7,442 clips"
    licence = "ODbL 1.0 (the database), DbCL 1.0 (its contents)"
    citation = (
        "H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma: CREMA-D: Crowd-sourced Emotional "
        "Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4), 2014. doi:10.1109/TAFFC.2014.2336244"
    )
    layout = (
        "**/1001_DFA_ANG_XX.flv (VideoFlash) or .mp4 and the like: actor, sentence, emotion, level; "
        "the sound is AudioWAV/1001_DFA_ANG_XX.wav where it is there, else inside"
    )

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """Clips of all actors; clip_id is the file name without suffix, in capitals.

        Videos of other names are not clips. An unknown code of a sentence gives an empty sentence.

        Raises:
            InputError: no folder, no video so named, or two of one clip.
        """
        folder = source_root(root)
        sounds = {
            sound.stem.upper(): sound for sound in walk_files(folder, (".wav",)) if sound.parent.name.lower() == _SOUNDS
        }
        clips = (_clip(video, sounds) for video in walk_files(folder, VIDEO_SUFFIXES))
        return listed(root, clips, "CREMA-D videos", self.layout)


def _clip(video: Path, sounds: dict[str, Path]) -> SourceClip | None:
    stem = video.stem.upper()
    said = _NAME.fullmatch(stem)
    if said is None:
        return None
    reason = KNOWN_BAD.get(stem, "")
    return SourceClip(
        clip_id=stem,
        actor=said["actor"],
        video=video,
        audio=sounds.get(stem),
        sentence=SENTENCES.get(said["sentence"], ""),
        emotion=said["emotion"],
        level=said["level"],
        known_bad=f"known bad: {reason}, as the corpus's README says" if reason else "",
    )
