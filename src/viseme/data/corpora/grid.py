"""GRID: 34 speakers, 1,000 sentences each of the form "bin blue at f two now"; the file name is the sentence."""

from __future__ import annotations

import os
import re
import string
from pathlib import Path

from viseme.data.corpora.base import SourceClip, listed, source_root, walk_files

_SPEAKER = re.compile(r"s\d{1,2}", re.IGNORECASE)
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SLOTS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in string.ascii_lowercase if letter != "w"},
    {"z": "zero"} | {str(number): word for number, word in enumerate(_DIGITS) if number},
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
"""Letter or digit to word, for each of the six places of a file name."""


def decode_name(stem: str) -> str:
    """The sentence that a GRID file name stands for: `bbaf2n` is "bin blue at f two now"; empty if it is none."""
    if len(stem) != len(SLOTS):
        return ""
    words = [slot.get(letter, "") for slot, letter in zip(SLOTS, stem.lower(), strict=True)]
    return " ".join(words) if all(words) else ""


class Grid:
    """The GRID audiovisual sentence corpus."""

    name = "grid"
    title = "GRID audiovisual sentence corpus: 34 speakers, 1,000 six-word commands each"
    licence = "CC BY 4.0 (Zenodo record 3625687)"
    citation = (
        "M. Cooke, J. Barker, S. Cunningham, X. Shao: An audio-visual corpus for speech perception and automatic "
        "speech recognition. Journal of the Acoustical Society of America 120(5), 2006. doi:10.1121/1.2229005"
    )
    layout = "sN/**/*.mpg, N the speaker's number; the sound is inside"

    def clips(self, root: str | os.PathLike[str]) -> list[SourceClip]:
        """Clips of all speakers; clip_id is `sN_<file name>`, the sentence decoded from the file name.

        A file whose name is no GRID sentence is still a clip, with an empty sentence.

        Raises:
            InputError: no folder, or no `*.mpg` below a folder named `sN`.
        """
        folder = source_root(root)
        clips = []
        for video in walk_files(folder, (".mpg", ".mpeg")):
            actor = _speaker(video, folder)
            if actor:
                clips.append(SourceClip(f"{actor}_{video.stem}", actor, video, sentence=decode_name(video.stem)))
        return listed(root, clips, "GRID clips", self.layout)


def _speaker(video: Path, root: Path) -> str:
    """The nearest folder named like a speaker; `root` itself may be one."""
    parents = video.relative_to(root).parent.parts
    for name in (*reversed(parents), root.resolve().name):
        if _SPEAKER.fullmatch(name):
            return name.lower()
    return ""
