"""A model as one file: its weights as safetensors, its configuration and where it comes from in the metadata."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from viseme.errors import ModelError
from viseme.files import written_aside


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Attributes:
        weights: tensors by name, in the precision they were saved in.
        config: the plain fields of its configuration.
        training: how it came about: steps, store, version.
    """

    weights: dict[str, Tensor]
    config: dict[str, Any]
    training: dict[str, Any]


def save_model(
    path: Path, network: nn.Module, config: Mapping[str, Any], training: Mapping[str, Any], dtype: torch.dtype
) -> None:
    """Write a network's weights in `dtype` with its configuration."""
    save_weights(path, copied_weights(network, dtype), config, training)


def copied_weights(network: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    """A network's weights as they are now, on the CPU, whatever becomes of the network."""
    state = network.state_dict()
    return {name: value.detach().to("cpu", dtype, copy=True).contiguous() for name, value in state.items()}


def save_weights(
    path: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any], training: Mapping[str, Any]
) -> None:
    """Write weights that `copied_weights` gave, with their configuration. Raises `OutputError` on a full disk."""
    # One key only: safetensors writes several in no fixed order, and the same run should give the same bytes.
    header = json.dumps({"config": config, "training": training})
    with written_aside(path) as aside:
        write_tensors(aside, weights, {"viseme": header})


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file; what the system refuses is an `OSError`, as of any other file."""
    try:
        save_file(dict(tensors), path, dict(metadata))
    except SafetensorError as error:
        if number := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        raise


def read_model(path: Path) -> ModelFile:
    """Read what `save_model` wrote.

    Raises:
        ModelError: the file is missing, is not safetensors, or was not written by viseme.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if "viseme" not in metadata:
                raise ModelError(
                    f"{path}: are not weights of viseme; give a run folder or a model.safetensors it wrote"
                )
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            header = json.loads(metadata["viseme"])
            return ModelFile(weights, header["config"], header["training"])
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file; give a run folder, a .safetensors file or a bundled model") from error
    except (SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
        raise ModelError(f"{path}: is not a whole safetensors file ({error}); get it again") from error


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Copy weights into a network, every one of them. Raises `ModelError` as `check_weights` does."""
    check_weights(network, weights, source)
    own = network.state_dict()
    network.load_state_dict({name: value.to(own[name].dtype) for name, value in weights.items()})


def check_weights(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Whether weights are those of a network's architecture, which may be on the meta device.

    Raises:
        ModelError: names or shapes differ; the first three that do are named.
    """
    own = network.state_dict()
    differ = [f"{name} is missing" for name in own if name not in weights]
    differ += [f"{name} is unknown" for name in weights if name not in own]
    differ += [
        f"{name} is {tuple(weights[name].shape)}, wanted {tuple(value.shape)}"
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    ]
    if differ:
        raise ModelError(f"{source}: weights of another architecture: {', '.join(differ[:3])} ({len(differ)} differ)")
