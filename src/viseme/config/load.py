"""Load a configuration from a preset or a YAML file, with fields overridden by their dotted names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from viseme.config.diffusion import DdpmConfig
from viseme.config.gan import GanConfig
from viseme.config.schema import Config, to_dict
from viseme.errors import ConfigError

_ADAPTER: TypeAdapter[DdpmConfig | GanConfig] = TypeAdapter(Config)
_PRESETS = resources.files("viseme.config") / "presets"


def preset_names() -> list[str]:
    """The presets that come with the package, sorted."""
    return sorted(Path(entry.name).stem for entry in _PRESETS.iterdir() if entry.name.endswith(".yaml"))


def load_config(preset: str | Path, overrides: Sequence[str] = ()) -> DdpmConfig | GanConfig:
    """The configuration of a preset's name or a YAML file, after `a.b=value` overrides.

    Raises:
        ConfigError: an unknown preset, a file that is not YAML, an unknown field or a value out of range.
    """
    text = str(preset)
    if text in preset_names():
        source, content = f"preset {text}", (_PRESETS / f"{text}.yaml").read_text(encoding="utf-8")
    elif text.endswith((".yaml", ".yml")):
        try:
            source, content = text, Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text}: cannot be read as a configuration ({error}); give a YAML file") from error
    else:
        close = difflib.get_close_matches(text, preset_names(), n=1)
        hint = f"did you mean {close[0]}? There" if close else "there"
        raise ConfigError(f"{text}: no such preset; {hint} are {', '.join(preset_names())}, or give a .yaml file")
    try:
        fields = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{source}: holds no fields; see `viseme presets tiny_ddpm` for one that does")
    return override(parse_config(fields, source), overrides)


def parse_config(fields: Mapping[str, Any], source: str = "configuration") -> DdpmConfig | GanConfig:
    """Check plain fields against the schema. Raises `ConfigError` naming the first field at fault."""
    try:
        return _ADAPTER.validate_python(dict(fields))
    except ValidationError as error:
        raise ConfigError(f"{source}: {first_problem(error)}") from error


def override(config: DdpmConfig | GanConfig, overrides: Sequence[str]) -> DdpmConfig | GanConfig:
    """The configuration with fields set by `a.b=value`, each value read as YAML.

    Raises:
        ConfigError: no `=`, an unknown field (the nearest known one is named), or a value out of range.
    """
    fields = to_dict(config)
    assign(fields, overrides, config.name)
    return parse_config(fields, "--set" if overrides else "configuration")


def assign(fields: dict[str, Any], overrides: Sequence[str], owner: str) -> None:
    """Set plain fields in place by `a.b=value`, each value read as YAML; `owner` is what messages call their holder.

    Raises:
        ConfigError: no `=`, an unknown field (the nearest known one is named), or a value that is not YAML.
    """
    for assignment in overrides:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: write it as field=value")
        *sections, leaf = name.strip().split(".")
        place: Any = fields
        for section in [*sections, leaf]:
            if not isinstance(place, dict) or section not in place:
                known = _names(fields)
                close = difflib.get_close_matches(name, known, n=1) or difflib.get_close_matches(leaf, known, n=1)
                raise ConfigError(
                    f"--set {name}: {owner} has no such field"
                    + (f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}")
                )
            holder, place = place, place[section]
        try:
            holder[leaf] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {assignment}: the value is not YAML") from error


def _names(fields: Mapping[str, Any], prefix: str = "") -> list[str]:
    names = []
    for name, value in fields.items():
        names += _names(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return names


def first_problem(error: ValidationError) -> str:
    """The first field at fault, what is wrong with it, and what was given."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"] if part not in ("ddpm", "gan"))
    whole = isinstance(problem["input"], dict)  # a section, whose fields are at odds
    given = "" if whole or problem["type"] in ("extra_forbidden", "missing") else f", got {problem['input']!r}"
    message = problem["msg"].removeprefix("Value error, ")
    subject = place or ("" if whole and problem["type"] == "value_error" else "kind")
    return f"{subject}: {message[0].lower()}{message[1:]}{given}" if subject else f"{message}{given}"
