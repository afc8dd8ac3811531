"""The model card of a run: what its folder tells of data, training and validation, with scores where they are given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from viseme.config import load_config
from viseme.config.schema import to_dict
from viseme.data.corpora import CORPORA
from viseme.errors import InputError, ModelError
from viseme.evaluation.results import load
from viseme.families import count_parameters
from viseme.files import AnyPath, sha256, write_text
from viseme.nn.weights import read_model
from viseme.report.model_card import ClipScore, Validation, model_card
from viseme.training.history import History, read_history
from viseme.training.run import RunFolder


def write_card(run: AnyPath, results: Mapping[str, AnyPath] | None = None) -> Path:
    """Write `MODEL_CARD.md` into a run folder, in place of the one there.

    Args:
        run: the folder.
        results: name -> results file, as for `compare`: the model itself, and beside it controls and other systems.

    Returns:
        The card's path.

    Raises:
        ModelError: the folder holds no model.
        InputError: none of the results is of this run's weights, or they cannot be compared.
        OutputError: the card cannot be written.
    """
    folder, results = RunFolder(Path(run)), results or {}
    if not folder.model.is_file():
        raise ModelError(f"{run}: holds no model.safetensors; give a run folder in which viseme train has saved one")
    checksum = sha256(folder.model)
    if results:
        _check_weights(folder, checksum, results)
    config, about = load_config(folder.config), folder.read_about()
    trained, history = read_model(folder.model).training, read_history(folder.metrics)
    corpus = CORPORA.get(str(trained.get("corpus")))
    facts = {
        **trained,
        "citation": corpus.citation if corpus else None,
        "store": about.get("store", {}).get("name"),
        "fingerprint": trained.get("store"),
        "seconds": history.seconds or None,
        "machine": _machine(about.get("machine", {})),
        "parameters": count_parameters(config),
        "model_sha256": checksum,
        "version": trained.get("viseme"),
        "began_from": trained.get("init", {}).get("name"),
        "made_by": "viseme train config.yaml --data STORE --out RUN",
    }
    validation = _validation(folder, int(trained.get("steps", 0)), history)
    write_text(folder.card, model_card(to_dict(config), facts, results, validation))
    return folder.card


def _check_weights(folder: RunFolder, checksum: str, results: Mapping[str, AnyPath]) -> None:
    """A card holds scores of the model it is about."""
    own = {checksum} | ({sha256(folder.best)} if folder.best.is_file() else set())
    if not any(load(path).system.get("model_sha256") in own for path in results.values()):
        raise InputError(
            f"{folder.path}: none of {', '.join(results)} was made by this run's weights; generate videos with it, and "
            "evaluate these"
        )


def _machine(found: Mapping[str, Any]) -> str | None:
    name, count = found.get("name"), int(found.get("devices", 1)) * int(found.get("nodes", 1))
    return f"{count} × {name}" if name and count > 1 else name


def _validation(folder: RunFolder, step: int, history: History) -> Validation | None:
    """The validation of the weights at `step`; None where there was none."""
    last = {name: curve for (split, name), curve in history.curves.items() if split == "val"}
    windows = {name: float(curve.values[-1]) for name, curve in last.items() if curve.steps[-1] == step}
    scores = folder.sample(step).with_suffix(".json")
    clips = json.loads(scores.read_text(encoding="utf-8")) if scores.is_file() else []
    if not windows and not clips:
        return None
    return Validation(step, tuple(ClipScore(clip["actor"], clip["frames"], clip["values"]) for clip in clips), windows)
