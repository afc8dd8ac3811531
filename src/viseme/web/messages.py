"""What the workers send to the page. Light, since the page unpickles it and must never load torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from viseme.evaluation.metrics import Metric
from viseme.types import UInt8


@dataclass(frozen=True, slots=True)
class Example:
    """A photo and a voice that belong together on the page."""

    title: str
    photo: Path
    voice: Path


@dataclass(frozen=True, slots=True)
class Model:
    """What the page says of a model.

    Attributes:
        name: how it was given to the server.
        size: pixels a side of its frames.
        pace: frames a second on this machine, measured.
        samplers: those it can draw frames with; empty where it makes a frame at once.
        sampler, steps: its own choice; of no meaning without samplers.
        most_steps: how many it was trained with.
    """

    name: str
    size: int
    pace: float
    samplers: tuple[str, ...] = ()
    sampler: str = ""
    steps: int = 0
    most_steps: int = 0


@dataclass(frozen=True, slots=True)
class Crop:
    """The face that a model will see, uint8 `[256,256,3]`, and what the user should know of it."""

    frame: UInt8
    note: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame just made: which of how many, and what it looks like, a PNG."""

    number: int
    total: int
    png: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A finished video: its frames, the seconds that synthesis took, and what the user should know."""

    frames: int
    seconds: float
    note: str


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of a video, and the reference's own number where it has one."""

    metric: Metric
    value: float
    truth: float | None
