"""The studies that can be run, by name: a new one is a module with a function `steps`, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import fspath

from viseme.data.store import Store
from viseme.errors import ConfigError
from viseme.families import bundled_models, model_path
from viseme.files import AnyPath, sha256
from viseme.studies import bundled, controls, drift, finetune, gan, steps, sweep
from viseme.studies.paper import plan as paper
from viseme.studies.plan import Given, Plan, Step
from viseme.studies.plan_file import read_plan
from viseme.studies.scale import Scale, scale_named

Steps = Callable[[Scale, int, Sequence[str]], list[Step]]
"""Scale, seed and overrides of every trained configuration give a study's steps; the store is their `<data>`."""

STUDIES: Mapping[str, Steps] = {
    "bundled": bundled.steps,
    "drift": drift.steps,
    "controls": controls.steps,
    "finetune": finetune.steps,
    "gan": gan.steps,
    "paper": paper.steps,
    "steps": steps.steps,
    "sweep": sweep.steps,
}


def study_plan(
    name: str,
    data: AnyPath,
    *,
    scale: str = "tiny",
    seed: int = 0,
    overrides: Sequence[str] = (),
    grid: Sequence[str] = (),
    model: AnyPath | None = None,
    file: AnyPath | None = None,
) -> Plan:
    """The plan of a study on a store; where a file is given, the one in it, which says scale and settings too.

    `grid` and `model` are for study `sweep`: what it varies, and a trained model that it samples from.

    Raises:
        ConfigError: an unknown study or scale, an override of no field, or a file that holds no plan of this study.
        StoreError: not a store.
        ModelError: no such model.
    """
    if name not in STUDIES:
        raise ConfigError(f"study {name}: there are {', '.join(sorted(STUDIES))}")
    size = scale_named(scale)
    if seed < 0:
        raise ConfigError(f"seed {seed}: seeds are 0 or more")
    store = Store.open(data)
    given = {"data": Given(str(store.path.absolute()), store.fingerprint)}
    if model is not None:
        weights = model_path(fspath(model)).absolute()
        given[sweep.GIVEN] = Given(str(weights), sha256(weights))
    if name == "bundled":
        for known in bundled_models():
            given[known] = Given(str(model_path(known)), sha256(model_path(known)))
    if name != "sweep" and (grid or model is not None):
        raise ConfigError(f"study {name}: --grid and --model are for study sweep; leave them out")
    if file is not None:
        if overrides or grid:
            raise ConfigError(f"{[*overrides, *grid][0]}: {file} says all settings; change it there")
        return read_plan(file, name, given)
    settings = {"scale": scale, "seed": seed, "overrides": list(overrides)}
    if name == "sweep":
        settings |= {"grid": list(grid or sweep.DEFAULT)}
        return Plan(name, settings, given, tuple(sweep.steps(size, seed, overrides, grid, model)))
    return Plan(name, settings, given, tuple(STUDIES[name](size, seed, overrides)))
