"""Who is filmed: everything about a synthetic actor that stays from clip to clip, drawn from one generator.

Lengths are in face units: 1 is the distance between the outer corners of the eyes (points 36 and 45), the origin lies
midway between the eyes, x grows to the right of the picture and y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viseme.data.synthetic.voice import Voice

Colour = tuple[float, float, float]

HAIR_STYLES = ("short", "side", "fringe", "curly", "bald", "receding", "bob", "long", "tied")
CLOTHES = ("tee", "shirt", "vneck", "turtleneck")
BACKGROUNDS = ("green", "plain", "studio", "lights", "shelves")

_SKINS: tuple[Colour, ...] = (
    (245, 211, 187),
    (236, 192, 160),
    (224, 176, 140),
    (206, 152, 112),
    (181, 126, 88),
    (150, 100, 68),
    (118, 78, 54),
    (96, 63, 46),
)
_HAIRS: tuple[Colour, ...] = (
    (30, 24, 22),
    (50, 34, 26),
    (84, 54, 34),
    (122, 80, 46),
    (176, 132, 78),
    (206, 170, 112),
    (142, 66, 34),
    (150, 148, 146),
)
_IRISES: tuple[Colour, ...] = (
    (72, 44, 26),
    (96, 62, 34),
    (110, 96, 52),
    (74, 106, 78),
    (84, 118, 150),
    (106, 124, 136),
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Looks, voice and manner of one synthetic person. Colours are RGB 0 to 255, lengths in face units.

    `scale` is the distance between the outer eye corners over the picture's height, `centre` the place of the point
    between the eyes at rest, over its width and height; `light` the direction towards the lamp, z out of the picture.
    """

    seed: int
    female: bool
    voice: Voice
    # the picture
    scale: float
    centre: tuple[float, float]
    light: tuple[float, float, float]
    background: str
    background_colour: Colour
    clothes: str
    clothes_colour: Colour
    # the head
    skin: Colour
    blush: float
    age: float
    freckles: float
    cheek: float
    jaw: float
    chin_width: float
    chin: float
    crown: float
    # hair
    hair: Colour
    hair_style: str
    hair_volume: float
    parting: float
    stubble: float
    brow_colour: Colour
    brow_height: float
    brow_thickness: float
    brow_arch: float
    brow_length: float
    # eyes
    iris: Colour
    iris_size: float
    eye_inner: float
    eye_height: float
    eye_slant: float
    lashes: float
    # nose and mouth
    nose_length: float
    nose_width: float
    nose_bridge: float
    mouth_y: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    lip_colour: Colour
    mouth_gain: float
    smile: float
    teeth: Colour
    glasses: bool
    # manner
    sway: float
    sway_speed: float
    nod: float
    blink_every: float


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    return (
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        a[2] + (b[2] - a[2]) * share,
    )


def _varied(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    common = rng.normal(0, spread)
    values = np.clip([c * (1 + common / 255 * 2) + rng.normal(0, spread * 0.4) for c in colour], 0, 255)
    return (float(values[0]), float(values[1]), float(values[2]))


def _voice(rng: np.random.Generator, female: bool) -> Voice:
    return Voice(
        pitch=float(rng.uniform(175, 240) if female else rng.uniform(88, 145)),
        tract=float(rng.uniform(0.82, 0.90) if female else rng.uniform(0.95, 1.06)),
        liveliness=float(rng.uniform(0.6, 1.3)),
        breath=float(rng.uniform(0.06, 0.2) if female else rng.uniform(0.02, 0.1)),
        tilt=float(rng.uniform(0.15, 0.6)),
        jitter=float(rng.uniform(0.004, 0.015)),
        rate=float(rng.uniform(0.88, 1.15)),
        effort=float(rng.uniform(0.9, 1.1)),
    )


def draw_actor(rng: np.random.Generator) -> Actor:
    """Draw a random actor."""

    def uniform(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    female = bool(rng.random() < 0.5)
    tone = int(rng.integers(len(_SKINS)))
    skin = _varied(rng, _SKINS[tone], 6)
    age = float(np.clip(rng.beta(1.3, 2.0), 0, 1))
    hair_index = int(rng.integers(len(_HAIRS)))
    if tone >= 4 and hair_index not in (0, 1, 2, 7):
        hair_index = int(rng.integers(3))
    hair = _varied(rng, _HAIRS[hair_index], 5)
    if age > 0.65 and rng.random() < 0.6:
        hair = _mix(hair, (170, 168, 166), uniform(0.3, 0.9))
    odds = (1, 2, 2, 1.5, 0, 0, 3, 4, 2) if female else (5, 3, 1, 1.5, 1.5, 1.5, 0, 0.3, 0)
    hair_style = str(rng.choice(HAIR_STYLES, p=np.array(odds) / sum(odds)))
    rose: Colour = (186, 78, 84) if tone < 5 else (140, 66, 66)
    made_up = female and rng.random() < 0.4
    red: Colour = (184, 44, 62) if tone < 5 else (128, 34, 46)
    lip_colour = _mix(skin, red if made_up else rose, uniform(0.5, 0.8) if made_up else uniform(0.45, 0.7))
    palette: tuple[Colour, ...] = (
        (44, 62, 96), (120, 40, 46), (60, 96, 74), (210, 206, 198),
        (38, 38, 42), (150, 124, 84), (98, 78, 124), (86, 132, 158),
    )  # fmt: skip
    walls: tuple[Colour, ...] = ((176, 184, 190), (150, 166, 178), (196, 186, 170), (128, 134, 150), (168, 150, 140))
    background = str(rng.choice(BACKGROUNDS, p=[0.35, 0.2, 0.15, 0.15, 0.15]))
    green: Colour = (52, 168, 72)
    return Actor(
        seed=int(rng.integers(2**31)),
        female=female,
        voice=_voice(rng, female),
        scale=uniform(0.255, 0.29),
        centre=(uniform(0.485, 0.515), uniform(0.43, 0.46)),
        light=(uniform(-0.45, 0.45), uniform(-0.75, -0.4), 1.0),
        background=background,
        background_colour=_varied(rng, green if background == "green" else walls[rng.integers(len(walls))], 8),
        clothes=str(rng.choice(CLOTHES)),
        clothes_colour=_varied(rng, palette[rng.integers(len(palette))], 8),
        skin=skin,
        blush=uniform(0.1, 0.5),
        age=age,
        freckles=uniform(0.2, 0.8) if tone < 3 and rng.random() < 0.25 else 0.0,
        cheek=uniform(0.78, 0.86),
        jaw=uniform(0.62, 0.70) if female else uniform(0.66, 0.76),
        chin_width=uniform(0.22, 0.30) if female else uniform(0.27, 0.36),
        chin=uniform(1.24, 1.34) if female else uniform(1.28, 1.40),
        crown=uniform(-1.22, -1.08),
        hair=hair,
        hair_style=hair_style,
        hair_volume=uniform(0.7, 1.3),
        parting=uniform(-0.4, 0.4),
        stubble=0.0 if female else float(rng.choice([0.0, uniform(0.1, 0.3), uniform(0.4, 0.8)])),
        brow_colour=_mix(_mix(hair, skin, 0.12), (30, 20, 16), 0.35),
        brow_height=uniform(0.20, 0.25),
        brow_thickness=uniform(0.035, 0.05) if female else uniform(0.045, 0.07),
        brow_arch=uniform(0.03, 0.07) if female else uniform(0.01, 0.05),
        brow_length=uniform(0.94, 1.06),
        iris=_varied(rng, _IRISES[rng.integers(2) if tone >= 4 else rng.integers(len(_IRISES))], 5),
        iris_size=uniform(0.062, 0.07),
        eye_inner=uniform(0.195, 0.225),
        eye_height=uniform(0.88, 1.12),
        eye_slant=uniform(-0.02, 0.025),
        lashes=uniform(0.6, 1.0) if female else uniform(0.1, 0.5),
        nose_length=uniform(0.52, 0.60),
        nose_width=uniform(0.15, 0.18) if female else uniform(0.165, 0.21),
        nose_bridge=uniform(0.7, 1.3),
        mouth_y=uniform(0.81, 0.87),
        mouth_width=uniform(0.30, 0.345),
        lip_upper=uniform(0.065, 0.10),
        lip_lower=uniform(0.09, 0.13),
        lip_colour=lip_colour,
        mouth_gain=uniform(0.27, 0.33),
        smile=uniform(-0.004, 0.022),
        teeth=_varied(rng, (238, 232, 220), 4),
        glasses=bool(rng.random() < 0.08),
        sway=uniform(0.4, 1.3),
        sway_speed=uniform(0.6, 1.4),
        nod=uniform(0.2, 1.2),
        blink_every=uniform(1.6, 4.5),
    )
