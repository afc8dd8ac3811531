"""The paper's own numbers, read from `published.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Published:
    """What the paper states.

    Attributes:
        title: of the paper.
        tables: number of a table -> row -> column -> value, in the unit printed there.
        figures: number of a figure -> what the text says of it.
        turn: the epoch after which its GAN got worse (figures 4 to 6).
        kept_frames: frames that its 128-pixel model kept a face and moving lips for (figure 9).
    """

    title: str
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]]
    figures: Mapping[str, str]
    turn: int
    kept_frames: int


@cache
def published() -> Published:
    """The paper's numbers."""
    text = (resources.files("viseme.studies.paper") / "published.yaml").read_text(encoding="utf-8")
    return Published(**yaml.safe_load(text))
