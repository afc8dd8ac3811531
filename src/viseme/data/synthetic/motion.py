"""How a head moves while it speaks: sway, nods on accents, blinks, glances and lifted brows, one value a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viseme.data.synthetic.actor import Actor
from viseme.data.synthetic.phonemes import Segment

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """Head and eyes at one instant.

    Attributes:
        x, y: shift in face units.
        roll, yaw, pitch: radians; positive yaw turns towards the right of the picture, positive pitch down.
        zoom: size over that at rest.
        brows: lift in face units.
        blink: 0 open to 1 closed.
        gaze_x, gaze_y: shift of the irises in face units.
    """

    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    zoom: float = 1.0
    brows: float = 0.0
    blink: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0


def _drift(rng: np.random.Generator, times: Float64, speed: float) -> Float64:
    """A slow smooth wander of about unit size."""
    total = np.zeros_like(times)
    for hertz in rng.uniform((0.08, 0.2, 0.45), (0.18, 0.4, 0.8)) * speed:
        total += rng.normal() / (1 + 2 * hertz) * np.sin(2 * np.pi * (hertz * times + rng.random()))
    return total


def blinks(rng: np.random.Generator, times: Float64, every: float) -> Float64:
    """Closedness of the lids at the given times: a blink of a third of a second every so many seconds on average."""
    closed = np.zeros_like(times)
    at = rng.uniform(0.2, 0.2 + every)
    while at < times[-1] + 0.2:
        since = times - at
        fall = np.clip(1 + since / 0.09, 0, 1)
        rise = np.clip(1 - (since - 0.04) / 0.17, 0, 1)
        closed = np.maximum(closed, np.where(since < 0, fall, rise))
        at += max(0.5, rng.exponential(every))
    return closed**1.3


def _glances(rng: np.random.Generator, times: Float64, reach: float) -> Float64:
    """Steps from one resting place to the next, held for about a second."""
    steps = np.zeros_like(times)
    at = 0.0
    while at < times[-1]:
        steps[times >= at] = rng.normal() * reach
        at += rng.uniform(0.4, 1.6)
    return steps


def perform(actor: Actor, segments: Sequence[Segment], times: Float64, rng: np.random.Generator) -> list[Pose]:
    """Poses of an actor who says `segments`, at the given times in seconds."""
    sway, speed = actor.sway, actor.sway_speed
    nod, lift = np.zeros_like(times), np.zeros_like(times)
    for segment in segments:
        if segment.phoneme.kind == "vowel" and segment.stress > 1.0:
            nod += rng.uniform(0.3, 1.0) * np.exp(-0.5 * ((times - segment.anchor) / 0.10) ** 2)
            if rng.random() < 0.35:
                lift += rng.uniform(0.4, 1.0) * np.exp(-0.5 * ((times - segment.anchor) / 0.16) ** 2)
    yaw = rng.normal(0, 0.04) + 0.045 * sway * _drift(rng, times, speed)
    x = 0.035 * sway * _drift(rng, times, speed) + 0.3 * yaw
    y = 0.018 * sway * _drift(rng, times, speed) + 0.012 * actor.nod * nod
    roll = 0.030 * sway * _drift(rng, times, speed)
    pitch = 0.030 * sway * _drift(rng, times, speed) + 0.035 * actor.nod * nod
    zoom = 1 + 0.012 * sway * _drift(rng, times, speed)
    gaze_x = _glances(rng, times, 0.010) - 0.12 * yaw
    gaze_y = _glances(rng, times, 0.004)
    closed = blinks(rng, times, actor.blink_every)
    columns = (x, y, roll, np.clip(yaw, -0.16, 0.16), np.clip(pitch, -0.12, 0.14), zoom, 0.022 * lift, closed)
    return [Pose(*(float(v) for v in row)) for row in np.stack([*columns, gaze_x, gaze_y], axis=1)]
