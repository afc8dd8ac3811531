"""A plan as a YAML file: what `--dry-run` prints, read back after somebody has changed it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from viseme.errors import ConfigError
from viseme.files import AnyPath
from viseme.studies.plan import Given, Plan, Step, called

FIELDS = ("name", "call", "makes", "arguments", "gathers", "reasons", "parts")
"""Of a step; `needs` may stand there too, for the reader, and `cost`."""
OURS = "viseme."
"""A plan calls nothing else: a file from elsewhere must not run whatever it names."""


def read_plan(path: AnyPath, study: str, given: Mapping[str, Given]) -> Plan:
    """The plan in a file.

    Args:
        path: as `Plan.to_yaml` writes it.
        study: that it must be a plan of.
        given: what the study begins from; what the file says of that is for the reader.

    Raises:
        ConfigError: no plan, of another study, a step without name, call or output, a call that is no function of
            viseme's, needs that are not its arguments', or what `Plan` refuses: an unknown step, a cycle.
    """
    try:
        said = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(said, dict) or not isinstance(said.get("steps"), list):
        raise ConfigError(f"{path}: holds no plan; begin with what `viseme study {study} --dry-run` prints")
    if said.get("study") != study:
        raise ConfigError(f"{path}: is a plan of study {said.get('study')}, not {study}; name that one")
    settings = {name: value for name, value in said.items() if name not in ("study", "given", "steps", "cost")}
    return Plan(study, settings, given, tuple(_step(path, at, step) for at, step in enumerate(said["steps"])))


def _step(path: AnyPath, at: int, said: Any) -> Step:
    place = f"{path}: step {at + 1}"
    if not isinstance(said, dict):
        raise ConfigError(f"{place}: is no mapping; give it name, call, makes and arguments")
    if unknown := set(said) - {*FIELDS, "needs", "cost"}:
        raise ConfigError(f"{place}: {min(unknown)} is no field of a step; there are {', '.join(FIELDS)}")
    for name in ("name", "call", "makes"):
        if not isinstance(said.get(name), str) or not said[name]:
            raise ConfigError(f"{place}: {name} is missing; write it as text")
    place = f"{path}: {said['name']}"
    if Path(said["makes"]).is_absolute() or ".." in Path(said["makes"]).parts:
        raise ConfigError(f"{place}: makes {said['makes']} outside the study's folder; write a path below it")
    if not isinstance(said.get("arguments", {}), dict):
        raise ConfigError(f"{place}: arguments are no mapping of names to values")
    _check_call(place, said["call"])
    step = Step(
        *(said["name"], said["call"], said["makes"], said.get("arguments", {})),
        gathers=bool(said.get("gathers")),
        reasons=bool(said.get("reasons")),
        parts=tuple(map(str, said.get("parts") or ())),
    )
    if "needs" in said and set(said["needs"] or ()) != set(step.needs):
        refers = ", ".join(step.needs) or "nothing"
        raise ConfigError(f"{place}: needs {said['needs']}, and its arguments refer to {refers}; leave needs out")
    return step


def _check_call(place: str, call: str) -> None:
    try:
        known = call.startswith(OURS) and callable(called(call))
    except (ImportError, AttributeError):
        known = False
    if not known:
        raise ConfigError(f"{place}: calls {call}, which is no function of viseme")
