"""The configuration of a run: frozen, complete, and refusing any field it does not know.

`Config` is a union discriminated by `kind`; each family brings its network, its objective and its sampling, and shares
audio, data and training with the other.
"""

from __future__ import annotations

from typing import Annotated, Any

import yaml
from pydantic import Field

from viseme.config.diffusion import DdpmConfig
from viseme.config.gan import GanConfig

Config = Annotated[DdpmConfig | GanConfig, Field(discriminator="kind")]


def to_yaml(config: DdpmConfig | GanConfig) -> str:
    """The whole resolved configuration as YAML that `load_config` reads back to an equal one."""
    return yaml.safe_dump(to_dict(config), sort_keys=False)


def to_dict(config: DdpmConfig | GanConfig) -> dict[str, Any]:
    """The whole resolved configuration as JSON types."""
    return config.model_dump(mode="json")
