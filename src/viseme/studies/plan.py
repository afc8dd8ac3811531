"""A study as data: named steps, each a function called by its dotted name, that read what other steps made.

Wherever `<NAME>` stands in a step's arguments, the path of what step NAME makes is meant, or of what was given to the
whole study under that name; which steps a step needs follows from that alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from typing import Any

import yaml

from viseme.errors import ConfigError

_REFERENCE = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Step:
    """One call.

    Attributes:
        name: unique in its plan, such as `train/plain`.
        call: the function, by its dotted name; it is given the arguments, and the path of what it makes as `out`.
        makes: the file or folder it makes, below the study's folder.
        arguments: JSON types, with references to other steps.
        gathers: whether it works on those of its needs that are done, always anew: it should be cheap.
        reasons: whether, gathering, it is also given as `missing` why each of the others is not there.
        parts: pretrained parts (`viseme.parts`) without which it is left out.
    """

    name: str
    call: str
    makes: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    gathers: bool = False
    reasons: bool = False
    parts: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """What its arguments refer to, in their order."""
        return tuple(dict.fromkeys(references(self.arguments)))


@dataclass(frozen=True, slots=True)
class Given:
    """What a study begins from: a path, and what tells its content from any other."""

    path: str
    fingerprint: str


@dataclass(frozen=True)
class Plan:
    """The steps of a study, checked.

    Attributes:
        study: its name.
        settings: what it was asked for: scale, seed, overrides; for the reader, no step depends on it.
        given: by the name under which steps refer to it.
        steps: in the order in which they are tried.

    Raises:
        ConfigError: a name or an output twice, an output inside another, a reference to nothing, or a cycle.
    """

    study: str
    settings: Mapping[str, Any]
    given: Mapping[str, Given]
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        names = [*self.given, *(step.name for step in self.steps)]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"study {self.study}: two steps are called {name}; name them differently")
        for step in self.steps:
            for other in self.steps:
                if step is not other and f"{step.makes}/".startswith(f"{other.makes}/"):
                    raise ConfigError(
                        f"study {self.study}: {step.name} makes {step.makes} where {other.name} makes {other.makes}"
                    )
            for need in step.needs:
                if need not in names:
                    raise ConfigError(f"study {self.study}: {step.name} needs {need}, and no step is called that")
        try:
            TopologicalSorter({step.name: step.needs for step in self.steps}).prepare()
        except CycleError as error:
            raise ConfigError(f"study {self.study}: steps need each other: {' <- '.join(error.args[1])}") from error

    @cached_property
    def step(self) -> Mapping[str, Step]:
        """Steps by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def fingerprints(self) -> Mapping[str, str]:
        """Of each step: its call, its arguments, and the fingerprints of what it needs."""
        found = {name: given.fingerprint for name, given in self.given.items()}
        for name in TopologicalSorter({step.name: step.needs for step in self.steps}).static_order():
            if name not in self.given:
                step = self.step[name]
                said = [step.call, step.makes, step.arguments, {need: found[need] for need in step.needs}]
                found[name] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return found

    def to_yaml(self, costs: Mapping[str, str] | None = None) -> str:
        """The plan for a reader, and for `plan_file.read_plan`; with `costs`, what steps will take, by name."""
        steps = [_told(step, (costs or {}).get(step.name)) for step in self.steps]
        said = {
            "study": self.study,
            **self.settings,
            "given": {name: given.path for name, given in self.given.items()},
            "steps": steps,
        }
        return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=120)


def _told(step: Step, cost: str | None) -> dict[str, Any]:
    return {
        "name": step.name,
        **({"cost": cost} if cost else {}),
        "call": step.call,
        "needs": list(step.needs),
        "makes": step.makes,
        "arguments": json.loads(json.dumps(step.arguments)),
        **({"gathers": True} if step.gathers else {}),
        **({"reasons": True} if step.reasons else {}),
        **({"parts": list(step.parts)} if step.parts else {}),
    }


def references(value: Any) -> Iterator[str]:
    """The names that stand as `<NAME>` in the texts of a JSON-like value."""
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)


def resolved(value: Any, paths: Mapping[str, str], partial: bool = False) -> Any:
    """A JSON-like value with each `<NAME>` replaced by its path; with `partial`, items that refer to others go."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: paths[match[1]], value)

    def kept(item: Any) -> bool:
        return not partial or not isinstance(item, str) or set(references(item)) <= set(paths)

    if isinstance(value, Mapping):
        return {key: resolved(item, paths, partial) for key, item in value.items() if kept(item)}
    if isinstance(value, list | tuple):
        return [resolved(item, paths, partial) for item in value if kept(item)]
    return value


def called(name: str) -> Any:
    """The function of a dotted name."""
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)
