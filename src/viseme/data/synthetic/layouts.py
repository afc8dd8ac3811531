"""Where each corpus keeps the files of a clip, under which names, in which container and codecs.

Sizes, rates and codecs are those of the published files as far as known. Assumed: bit rates, the rates of RAVDESS's and
MEAD's pictures, of CREMA-D's MP3 and of LRW's sound, and the duration in LRW's text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from viseme.data.corpora import cremad, grid, lrw, mead, ravdess
from viseme.data.synthetic.film import Pictures, Sound
from viseme.types import FPS

NTSC = Fraction(30_000, 1001)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a clip: its path below the corpus, its container, and what is in it."""

    path: str
    container: str
    pictures: Pictures | None
    sound: Sound | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A corpus as its makers ship it.

    Attributes:
        files: those of a clip, by the number of actors, the actor's number and the clip's, both from 0.
        actors: the most there can be.
        clips: the most an actor can have.
        seconds: shortest and longest clip.
        texts: other files and what stands in them, by the numbers of actors and of clips.
    """

    files: Callable[[int, int, int], tuple[File, ...]]
    actors: int
    clips: int
    seconds: tuple[float, float] = (1.6, 2.6)
    texts: Callable[[int, int], dict[str, str]] = lambda actors, clips: {}


_CREMAD_NAMES = [
    f"{sentence}_{emotion}_{level}"
    for sentence in cremad.SENTENCES
    for emotion in cremad.EMOTIONS
    for level in (cremad.LEVELS[:3] if sentence == "IEO" and emotion != "NEU" else cremad.LEVELS[3:])
]


def _cremad(actors: int, actor: int, clip: int) -> tuple[File, ...]:
    name = f"{1001 + actor}_{_CREMAD_NAMES[clip]}"
    flash = Pictures("flv", 480, 360, NTSC, {}, bit_rate=2_000_000)
    mp3 = Sound("libmp3lame", 44_100, 128_000)
    return (
        File(f"VideoFlash/{name}.flv", "flv", flash, mp3),
        File(f"AudioMP3/{name}.mp3", "mp3", None, mp3),
        File(f"AudioWAV/{name}.wav", "wav", None, Sound("pcm_s16le", bit_rate=0)),
    )


def _cremad_texts(actors: int, clips: int) -> dict[str, str]:
    rows = [f'{1001 + actor},"","","",""' for actor in range(actors)]
    return {"VideoDemographics.csv": "\n".join(['"ActorID","Age","Sex","Race","Ethnicity"', *rows, ""])}


_RAVDESS_NAMES = [
    f"01-{emotion}-{level}-{statement}-{repetition}"
    for repetition in ("01", "02")
    for level in ravdess.LEVELS
    for emotion in ravdess.EMOTIONS
    for statement in ravdess.STATEMENTS
    if (emotion, level) != ("01", "02")  # neutral is never strong
]


def _ravdess(actors: int, actor: int, clip: int) -> tuple[File, ...]:
    name = f"{_RAVDESS_NAMES[clip]}-{actor + 1:02d}"
    pictures = Pictures("libx264", 1280, 720, NTSC)
    return (
        File(f"Actor_{actor + 1:02d}/{ravdess.FULL_AV}-{name}.mp4", "mp4", pictures, Sound("aac", 48_000)),
        File(f"Actor_{actor + 1:02d}/{ravdess.VIDEO_ONLY}-{name}.mp4", "mp4", pictures, None),
    )


_MEAD_PLACES = [
    f"{emotion}/level_{level}"
    for level in (1, 2, 3)
    for emotion in ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
    if (emotion, level) not in (("neutral", 2), ("neutral", 3))
]


def _mead(actors: int, actor: int, clip: int) -> tuple[File, ...]:
    who = f"{'MW'[actor % 2]}{actor // 2 + 3:03d}"
    place = f"{_MEAD_PLACES[clip % len(_MEAD_PLACES)]}/{clip // len(_MEAD_PLACES) + 1:03d}"
    sound = Sound("aac", 48_000)
    return (
        File(f"{who}/video/{mead.VIEW}/{place}.mp4", "mp4", Pictures("libx264", 1920, 1080, Fraction(30)), sound),
        File(f"{who}/audio/{place}.m4a", "ipod", None, sound),
    )


_LRW_WORDS = ("ABOUT", "ACROSS", "BEFORE", "BUSINESS", "CHANGE", "FAMILY", "MORNING", "ORDER", "RIGHT", "WEATHER")


def _lrw_stem(actors: int, actor: int, clip: int) -> str:
    """The last actor is `test`, the one before `val`, where there are three or more: nobody is in two sets."""
    place = lrw.SETS[max(0, actor - (actors - 3))] if actors >= 3 else lrw.SETS[0]
    number = (actor if place == lrw.SETS[0] else 0) + clip // len(_LRW_WORDS) * actors + 1
    word = _LRW_WORDS[clip % len(_LRW_WORDS)]
    return f"lipread_mp4/{word}/{place}/{word}_{number:05d}"


def _lrw(actors: int, actor: int, clip: int) -> tuple[File, ...]:
    return (File(f"{_lrw_stem(actors, actor, clip)}.mp4", "mp4", Pictures("libx264", 256, 256), Sound()),)


def _lrw_texts(actors: int, clips: int) -> dict[str, str]:
    stems = [_lrw_stem(actors, actor, clip) for actor in range(actors) for clip in range(clips)]
    return {f"{stem}.txt": "Duration: 0.40 seconds\n" for stem in stems}


def _grid(actors: int, actor: int, clip: int) -> tuple[File, ...]:
    name, place = "", clip * 7919  # a prime that divides no number of sentences, so that all letters vary at once
    for slot in grid.SLOTS:
        place, letter = divmod(place, len(slot))
        name += sorted(slot)[letter]
    pictures = Pictures("mpeg1video", 360, 288, options={}, bit_rate=1_500_000)
    return (File(f"s{actor + 1}/{name}.mpg", "mpeg", pictures, Sound("mp2", 44_100, 128_000)),)


LAYOUTS = {
    "cremad": Layout(_cremad, 91, len(_CREMAD_NAMES), texts=_cremad_texts),
    "grid": Layout(_grid, 34, 1000, seconds=(3.0, 3.0)),
    "lrw": Layout(_lrw, 100, 100, seconds=(29 / FPS, 29 / FPS), texts=_lrw_texts),
    "mead": Layout(_mead, 60, 30 * len(_MEAD_PLACES)),
    "ravdess": Layout(_ravdess, 24, len(_RAVDESS_NAMES)),
}
"""By the names of the corpora."""
