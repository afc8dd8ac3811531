"""A grid of settings: `field=value,value` for each field, and every combination of the values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import yaml

from viseme.errors import ConfigError

MOST = 64
"""Cells of a grid; more are a mistake rather than a plan."""
SAMPLING = "sampling."
"""Fields below it need no training of their own."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination, as `field=value` each, in the order in which the fields were given."""

    fields: tuple[str, ...]

    @property
    def title(self) -> str:
        """Each field by the last part of its name."""
        parts = (field.partition("=") for field in self.fields)
        return ", ".join(f"{name.rpartition('.')[2]} {value}" for name, _, value in parts)

    @property
    def training(self) -> tuple[str, ...]:
        """The fields that a model must be trained with."""
        return tuple(field for field in self.fields if not field.startswith(SAMPLING))

    @property
    def sampling(self) -> tuple[str, ...]:
        """The fields that only its rollouts hang on."""
        return tuple(field for field in self.fields if field.startswith(SAMPLING))


def cells(grid: Sequence[str]) -> list[Cell]:
    """Every combination of the values of a grid, the last field varying fastest.

    Args:
        grid: `field=value,value,...` each; values as YAML has them, a list in brackets being one value.

    Raises:
        ConfigError: no values, a field or a value twice, or more than 64 combinations.
    """
    axes: dict[str, list[str]] = {}
    for axis in grid:
        name, equals, text = axis.partition("=")
        name = name.strip()
        try:
            values = yaml.safe_load(f"[{text}]") if equals else None
        except yaml.YAMLError:
            values = None
        if not name or not isinstance(values, list) or not values:
            raise ConfigError(f"--grid {axis}: write it as field=value,value, for example sampling.steps=5,10,20")
        assigned = [f"{name}={_written(value)}" for value in values]
        if name in axes or len(set(assigned)) < len(assigned):
            raise ConfigError(f"--grid {axis}: {name if name in axes else 'a value'} is given twice; give each once")
        axes[name] = assigned
    found = [Cell(fields) for fields in product(*axes.values())]
    if len(found) > MOST:
        raise ConfigError(f"--grid: {len(found)} combinations, {MOST} at most; leave values out")
    return found


def _written(value: Any) -> str:
    """As `--set` reads it back to the same value."""
    return value if isinstance(value, str) else json.dumps(value)
