"""What can be said: a phoneme inventory with its sound and its mouth, and random sentences made from it.

Vowel formants are the male averages of Peterson and Barney (1952); consonant loci and noise follow the tables of Klatt
(1980), rounded. Mouth shapes are our own, graded so that a wider mouth goes with a higher first formant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["silence", "vowel", "glide", "nasal", "stop", "affricate", "fricative", "breath"]

SHAPE = ("opening", "spread", "rounding", "tuck", "press", "tongue")
"""Names of the mouth parameters, in the order of `Phoneme.shape`.

opening: gap between the lips, 0 closed to 1 widest, below 0 where they are pressed past contact; spread: corners drawn
apart, 0 to 1; rounding: corners drawn in and lips pushed forward, 0 to 1; tuck: lower lip at the upper teeth; press:
lips pressed together; tongue: tip raised.
"""


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One phoneme.

    Attributes:
        label: ARPAbet name, `SIL` for silence.
        kind: manner of articulation.
        seconds: mean duration.
        formants: F1, F2, F3 in Hz that the vocal tract aims at.
        shape: targets of the mouth parameters, in the order of `SHAPE`.
        grip: how strongly each of these is insisted on (the dominance of Cohen and Massaro), same order.
        voicing: amplitude of the glottal source, 0 to 1.
        noise: amplitude of frication or of the burst, 0 to 1.
        noise_hz: centre and bandwidth of that noise in Hz.
    """

    label: str
    kind: Kind
    seconds: float
    formants: tuple[float, float, float]
    shape: tuple[float, float, float, float, float, float]
    grip: tuple[float, float, float, float, float, float]
    voicing: float
    noise: float = 0.0
    noise_hz: tuple[float, float] = (3000.0, 3000.0)


def _vowel(
    label: str, seconds: float, f: tuple[float, float, float], opening: float, spread: float, rounding: float
) -> Phoneme:
    return Phoneme(label, "vowel", seconds, f, (opening, spread, rounding, 0, 0, 0.1), (1, 1, 1, 1, 1, 1), 1.0)


# grips of consonants: lips (opening, spread, rounding, tuck, press), tongue
_LIPS = (3.2, 0.3, 0.3, 3.0, 3.0, 0.3)
_TUCK = (3.5, 0.5, 0.8, 5.0, 2.0, 0.3)
_TIP = (1.4, 0.3, 0.25, 2.0, 2.0, 5.0)
_TEETH = (2.2, 0.8, 0.4, 2.0, 2.0, 3.0)
_BACK = (0.5, 0.15, 0.15, 1.0, 1.0, 1.0)
_ROUND = (3.0, 2.0, 5.0, 2.0, 2.0, 1.0)

_ALL = (
    Phoneme("SIL", "silence", 0.20, (500, 1500, 2500), (-0.04, 0.1, 0.05, 0, 0, 0), (0.8, 0.5, 0.5, 1, 1, 1), 0.0),
    _vowel("AA", 0.19, (730, 1090, 2440), 1.00, 0.10, 0.00),
    _vowel("AE", 0.18, (660, 1720, 2410), 0.85, 0.50, 0.00),
    _vowel("AH", 0.13, (640, 1190, 2390), 0.62, 0.15, 0.05),
    _vowel("AO", 0.18, (570, 840, 2410), 0.62, 0.00, 0.60),
    _vowel("EH", 0.15, (530, 1840, 2480), 0.55, 0.50, 0.00),
    _vowel("ER", 0.17, (490, 1350, 1690), 0.36, 0.00, 0.45),
    _vowel("IH", 0.12, (390, 1990, 2550), 0.32, 0.60, 0.00),
    _vowel("IY", 0.16, (270, 2290, 3010), 0.24, 1.00, 0.00),
    _vowel("OW", 0.18, (450, 900, 2300), 0.46, 0.00, 0.85),
    _vowel("UH", 0.12, (440, 1020, 2240), 0.30, 0.00, 0.60),
    _vowel("UW", 0.17, (300, 870, 2240), 0.22, 0.00, 1.00),
    Phoneme("W", "glide", 0.09, (290, 610, 2150), (0.10, 0, 1.0, 0, 0, 0), _ROUND, 0.7),
    Phoneme("Y", "glide", 0.08, (260, 2070, 3020), (0.20, 0.8, 0, 0, 0, 0), (1.5, 2, 1, 1, 1, 1), 0.7),
    Phoneme("R", "glide", 0.09, (330, 1060, 1380), (0.22, 0, 0.6, 0, 0, 0.3), (2, 1, 3, 2, 2, 3), 0.7),
    Phoneme("L", "glide", 0.09, (330, 1050, 2800), (0.32, 0.2, 0, 0, 0, 1), _TIP, 0.7),
    Phoneme("M", "nasal", 0.10, (260, 950, 2200), (-0.35, 0.1, 0.05, 0, 0.8, 0), _LIPS, 0.45),
    Phoneme("N", "nasal", 0.09, (260, 1650, 2600), (0.20, 0.3, 0, 0, 0, 0.9), _TIP, 0.45),
    Phoneme("NG", "nasal", 0.09, (260, 2000, 2600), (0.28, 0.3, 0, 0, 0, 0.1), _BACK, 0.45),
    Phoneme("P", "stop", 0.12, (250, 850, 2200), (-0.35, 0.1, 0.05, 0, 1.0, 0), _LIPS, 0.0, 0.30, (900, 1400)),
    Phoneme("B", "stop", 0.10, (250, 850, 2200), (-0.35, 0.1, 0.05, 0, 0.9, 0), _LIPS, 0.16, 0.18, (800, 1400)),
    Phoneme("T", "stop", 0.10, (250, 1750, 2650), (0.17, 0.35, 0, 0, 0, 0.9), _TIP, 0.0, 0.55, (4600, 2500)),
    Phoneme("D", "stop", 0.09, (250, 1750, 2650), (0.18, 0.35, 0, 0, 0, 0.9), _TIP, 0.16, 0.35, (4400, 2500)),
    Phoneme("K", "stop", 0.10, (280, 1950, 2400), (0.30, 0.2, 0, 0, 0, 0), _BACK, 0.0, 0.50, (2000, 900)),
    Phoneme("G", "stop", 0.09, (280, 1950, 2400), (0.30, 0.2, 0, 0, 0, 0), _BACK, 0.16, 0.32, (1900, 900)),
    Phoneme("CH", "affricate", 0.13, (280, 1850, 2500), (0.18, 0, 0.7, 0, 0, 0.4), _ROUND, 0.0, 0.60, (3000, 1600)),
    Phoneme("JH", "affricate", 0.11, (280, 1850, 2500), (0.18, 0, 0.7, 0, 0, 0.4), _ROUND, 0.16, 0.45, (2900, 1600)),
    Phoneme("F", "fricative", 0.11, (320, 1100, 2300), (0.10, 0.2, 0, 1.0, 0, 0), _TUCK, 0.0, 0.22, (5200, 5000)),
    Phoneme("V", "fricative", 0.09, (320, 1100, 2300), (0.10, 0.2, 0, 1.0, 0, 0), _TUCK, 0.40, 0.12, (5000, 5000)),
    Phoneme("TH", "fricative", 0.11, (320, 1400, 2500), (0.20, 0.3, 0, 0, 0, 1.0), _TIP, 0.0, 0.18, (5600, 4500)),
    Phoneme("DH", "fricative", 0.08, (320, 1400, 2500), (0.20, 0.3, 0, 0, 0, 1.0), _TIP, 0.45, 0.10, (5600, 4500)),
    Phoneme("S", "fricative", 0.12, (320, 1650, 2600), (0.13, 0.65, 0, 0, 0, 0.2), _TEETH, 0.0, 0.60, (6000, 1900)),
    Phoneme("Z", "fricative", 0.10, (320, 1650, 2600), (0.13, 0.65, 0, 0, 0, 0.2), _TEETH, 0.35, 0.40, (5900, 1900)),
    Phoneme("SH", "fricative", 0.13, (320, 1850, 2500), (0.17, 0, 0.75, 0, 0, 0.2), _ROUND, 0.0, 0.65, (3100, 1400)),
    Phoneme("HH", "breath", 0.08, (500, 1500, 2500), (0.35, 0.2, 0, 0, 0, 0), (0.1,) * 6, 0.0, 0.45),
)

PHONEMES: dict[str, Phoneme] = {phoneme.label: phoneme for phoneme in _ALL}
"""The inventory by label."""

_VOWELS = ("AA", "AE", "AH", "AO", "EH", "ER", "IH", "IY", "OW", "UH", "UW")
_VOWEL_ODDS = np.array([1.3, 1.2, 1.0, 0.9, 1.0, 0.6, 0.9, 1.2, 0.9, 0.5, 1.1])
_ONSETS = "P B M M F V W T D N S L R K G HH SH CH JH TH DH Y Z".split()  # noqa: SIM905
_CODAS = "M N T D S L K P B F V NG Z TH R SH".split()  # noqa: SIM905
_CLUSTERS = (("S", "P"), ("S", "T"), ("P", "L"), ("B", "L"), ("F", "L"), ("B", "R"), ("T", "R"), ("K", "W"), ("S", "W"))


@dataclass(frozen=True, slots=True)
class Segment:
    """A phoneme in time.

    Attributes:
        phoneme: which one.
        start: seconds from the beginning of the clip.
        end: seconds, larger than `start`.
        stress: 1 for plain, larger for an accented syllable: louder, higher, wider.
    """

    phoneme: Phoneme
    start: float
    end: float
    stress: float = 1.0

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def anchor(self) -> float:
        """When the mouth shape is reached: the middle, for stops the middle of the closure."""
        share = 0.36 if self.phoneme.kind in ("stop", "affricate") else 0.5
        return self.start + share * self.seconds


def _syllable(rng: np.random.Generator) -> list[str]:
    draw = rng.random()
    onset: list[str] = []
    if draw < 0.12:
        onset = list(_CLUSTERS[rng.integers(len(_CLUSTERS))])
    elif draw < 0.92:
        onset = [_ONSETS[rng.integers(len(_ONSETS))]]
    vowel = str(rng.choice(_VOWELS, p=_VOWEL_ODDS / _VOWEL_ODDS.sum()))
    coda = [_CODAS[rng.integers(len(_CODAS))]] if rng.random() < 0.42 else []
    return [*onset, vowel, *coda]


def random_sentence(rng: np.random.Generator, seconds: float, rate: float = 1.0) -> list[Segment]:
    """Random words that fill a clip, silence at both ends.

    Args:
        rng: source of all randomness.
        seconds: length of the clip, at least 0.6.
        rate: speaking rate, 1 is average, larger is faster.

    Returns:
        Segments without gaps from 0 to `seconds`; the first and the last are `SIL`.
    """
    lead, tail = rng.uniform(0.12, 0.22), rng.uniform(0.14, 0.24)
    room = seconds - lead - tail
    drafts: list[tuple[str, float, float]] = []  # label, seconds, stress
    spoken = 0.0
    while spoken < room:
        syllables = int(rng.integers(1, 4))
        accent = int(rng.integers(syllables))
        word: list[tuple[str, float, float]] = []
        for index in range(syllables):
            stress = float(rng.uniform(1.05, 1.25)) if index == accent else float(rng.uniform(0.85, 1.0))
            for label in _syllable(rng):
                length = PHONEMES[label].seconds * float(rng.uniform(0.85, 1.2)) / rate
                longer = stress if PHONEMES[label].kind == "vowel" else 1.0
                word.append((label, max(length * longer, 0.055), stress))
        if drafts and rng.random() < 0.18:
            word.insert(0, ("SIL", float(rng.uniform(0.08, 0.16)), 1.0))
        drafts.extend(word)
        spoken += sum(length for _, length, _ in word)
    while len(drafts) > 1 and spoken > room * 1.12:
        spoken -= drafts.pop()[1]
    stretch = room / spoken
    segments = [Segment(PHONEMES["SIL"], 0.0, lead)]
    for label, length, stress in drafts:
        start = segments[-1].end
        segments.append(Segment(PHONEMES[label], start, start + length * stretch, stress))
    segments.append(Segment(PHONEMES["SIL"], segments[-1].end, seconds))
    return segments
