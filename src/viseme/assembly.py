"""What only the whole can put together: a run of its configuration, store, family and devices; a model or a control."""

from __future__ import annotations

from collections.abc import Sequence
from os import fspath
from pathlib import Path

from viseme.config import load_config
from viseme.data.store import Store
from viseme.errors import InputError
from viseme.evaluation.blur import matching_sigma
from viseme.families import begin_from, build_objective, build_synthesizer, load_synthesizer
from viseme.files import AnyPath
from viseme.generation.controls import control, shown
from viseme.run_card import write_card
from viseme.training.devices import Devices, check, resolved, started_by
from viseme.training.launch import launch
from viseme.training.profile import Profile
from viseme.training.profile import profile as profile_steps
from viseme.training.run import RunFolder
from viseme.training.trainer import TrainReport
from viseme.training.trainer import train as run
from viseme.types import Synthesizer
from viseme.validation import rollouts


def train(
    preset: AnyPath, data: AnyPath, out: AnyPath, *, overrides: Sequence[str], resume: bool, devices: Devices
) -> TrainReport:
    """`viseme.train`, in as many processes as it takes."""
    config = load_config(fspath(preset), overrides)
    where = resolved(devices)
    check(where, config.training)
    store, folder = Store.open(data), RunFolder(Path(out))
    if where.count > 1 and started_by() is None:
        asked = {"preset": preset, "data": data, "out": out, "overrides": tuple(overrides), "resume": resume}
        return launch(train, {**asked, "devices": devices}, where.count, folder.last)  # type: ignore[no-any-return]
    objective, init = build_objective(config), config.training.init
    report = run(
        objective,
        config,
        store,
        folder.path,
        synthesizer=lambda network: build_synthesizer(config, network),
        roll=rollouts(store, config),
        origin=begin_from(init, config, objective.model) if init and not folder.checkpoints() else None,
        resume=resume,
        devices=where,
    )
    if report.rank == 0:
        write_card(folder.path)
    return report


def profile(preset: AnyPath, data: AnyPath, *, overrides: Sequence[str]) -> Profile:
    """`viseme.profile`."""
    config = load_config(fspath(preset), overrides)
    return profile_steps(build_objective(config), config, Store.open(data))


def load_model(model: AnyPath, *, overrides: Sequence[str], data: AnyPath | None, size: int) -> Synthesizer:
    """`viseme.load_model`."""
    name = fspath(model)
    if not name.startswith("control:"):
        return load_synthesizer(name, overrides)
    if data is None:
        raise InputError(f"{name}: a control reads true clips; give it a store")
    if overrides:
        raise InputError(f"{name}: a control has no settings to set ({overrides[0]})")
    store = Store.open(data)
    kind, _, like = name.removeprefix("control:").partition(":")
    if kind == "blurred" and like and not _is_number(like):
        name = f"control:blurred:{matching_sigma(shown, store, like, size)}"
    return control(name, store, size)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
