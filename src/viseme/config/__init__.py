"""Configuration: what a run is, as frozen pydantic models, loaded from a preset or a YAML file."""

from viseme.config.diffusion import DdpmConfig
from viseme.config.gan import GanConfig
from viseme.config.load import load_config, override, parse_config, preset_names
from viseme.config.schema import Config

__all__ = ["Config", "DdpmConfig", "GanConfig", "load_config", "override", "parse_config", "preset_names"]
