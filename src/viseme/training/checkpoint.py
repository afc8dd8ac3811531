"""Checkpoints: everything needed to carry on exactly, as one safetensors file with its structure in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from viseme.errors import ModelError
from viseme.files import written_aside
from viseme.nn.weights import write_tensors

SCHEMA = 1
_TENSOR = "__tensor__"


@dataclass(frozen=True)
class Snapshot:
    """Nested dicts and lists of tensors and JSON values as they were at one moment, ready to be written.

    Attributes:
        tensors: copies on the CPU, by dotted name.
        header: what holds them together, as JSON.
    """

    tensors: Mapping[str, Tensor]
    header: str

    @classmethod
    def take(cls, tree: Mapping[str, Any], about: Mapping[str, Any]) -> Snapshot:
        """Copy a tree; `about` is what a reader may want without loading."""
        tensors: dict[str, Tensor] = {}
        structure = _lift(tree, "", tensors)
        return cls(tensors, json.dumps({"schema": SCHEMA, "about": about, "structure": structure}))

    def write(self, path: Path) -> None:
        """Write it whole or not at all. Raises `OutputError` where there is no room."""
        # One key only: safetensors writes several in no fixed order, and the same run should give the same bytes.
        with written_aside(path) as aside:
            write_tensors(aside, self.tensors, {"checkpoint": self.header})


def save_tree(path: Path, tree: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Take a snapshot and write it."""
    Snapshot.take(tree, about).write(path)


def load_tree(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what a snapshot wrote: the tree and `about`.

    Raises:
        ModelError: the file is missing, damaged, or of another schema.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("checkpoint", "{}"))
            if header.get("schema") != SCHEMA:
                raise ModelError(f"{path}: is not a checkpoint of schema {SCHEMA}; train again with this version")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            return _settle(header["structure"], tensors), header["about"]
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such checkpoint") from error
    except (SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
        raise ModelError(f"{path}: is damaged ({error}); delete it to carry on from the one before") from error


def _lift(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The JSON structure of a tree, its tensors moved to `tensors` under dotted names."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        return {
            "keys": [[type(key).__name__, key] for key in value],
            "values": [_lift(item, f"{name}.{key}" if name else str(key), tensors) for key, item in value.items()],
        }
    if isinstance(value, (list, tuple)):
        return [_lift(item, f"{name}.{index}", tensors) for index, item in enumerate(value)]
    return value


def _settle(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The tree of a structure: what `_lift` took apart."""
    if isinstance(value, dict) and _TENSOR in value:
        return tensors[value[_TENSOR]]
    if isinstance(value, dict):
        keys = [int(key) if kind == "int" else key for kind, key in value["keys"]]
        return dict(zip(keys, (_settle(item, tensors) for item in value["values"]), strict=True))
    if isinstance(value, list):
        return [_settle(item, tensors) for item in value]
    return value
