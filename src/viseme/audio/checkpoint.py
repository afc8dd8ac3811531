"""A checkpoint of transformers on this disk: found but never fetched, and read without running anything of it.

Weights come from safetensors alone, by our own hand; transformers gets them as tensors and only builds the network.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from viseme.errors import InputError
from viseme.files import sha256
from viseme.hub import revision_of
from viseme.types import SAMPLE_RATE

WITHOUT = "do without by `--set audio.kind=mel`"
"""The way on for whoever has no checkpoint."""

_CONFIG = "config.json"
_EXTRACTOR = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True, slots=True)
class Family:
    """What transformers calls a family and its parts.

    Attributes:
        model_type: as config.json states it.
        config: class of the configuration.
        model: class of the network without any head.
        extractor: class of the feature extractor.
    """

    model_type: str
    config: str
    model: str
    extractor: str


def find(checkpoint: str, fetch: str) -> Path:
    """The folder of that path, or that of a hub name in the local hub cache.

    Args:
        checkpoint: path or name.
        fetch: the command that would bring it, for the message.

    Raises:
        InputError: it is neither; the message says how to get it and how to do without.
    """
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    hub = _library("huggingface_hub")
    try:
        return Path(
            hub.snapshot_download(
                checkpoint, revision=revision_of(checkpoint), allow_patterns=_CONFIG, local_files_only=True
            )
        )
    except hub.errors.HFValidationError as error:
        raise InputError(f"{checkpoint}: no such folder, and no name of the hub; give one, or {WITHOUT}") from error
    except (hub.errors.LocalEntryNotFoundError, OSError) as error:
        raise InputError(f"{checkpoint}: is not on this disk; run `{fetch}`, or {WITHOUT}") from error


def read(folder: Path, family: Family) -> tuple[Any, Any]:
    """The network (float32, in eval mode, not trainable) and the feature extractor of a folder.

    Raises:
        InputError: a file is missing or damaged, the checkpoint is of another family, pickled, quantised, not finite,
            not complete, or not for 16 kHz; or transformers is not installed.
    """
    config = _config(folder, family)
    weights = _weights(folder, family)
    transformers = _library("transformers")
    with _quiet(transformers), torch.random.fork_rng(devices=[]):  # weights are drawn before they are replaced
        try:
            network, account = getattr(transformers, family.model).from_pretrained(
                None,
                config=getattr(transformers, family.config).from_dict(config),
                state_dict=weights,
                dtype=torch.float32,
                attn_implementation="sdpa",  # config.json may name code on the hub here
                output_loading_info=True,
            )
            extractor = getattr(transformers, family.extractor)
            described = any((folder / name).is_file() for name in _EXTRACTOR)
            extractor = extractor.from_pretrained(str(folder), local_files_only=True) if described else extractor()
        except Exception as error:  # transformers raises what it likes on a damaged checkpoint
            raise InputError(f"{folder}: transformers cannot build it ({_line(error)}); get it again") from error
    if lacking := sorted(account["missing_keys"]):
        raise InputError(f"{folder}: its weights lack {lacking[0]} ({len(lacking)} missing); get it again")
    if extractor.sampling_rate != SAMPLE_RATE:
        raise InputError(f"{folder}: is for sound at {extractor.sampling_rate} Hz; give a checkpoint for {SAMPLE_RATE}")
    return network.float().eval().requires_grad_(False), extractor


def digests(folder: Path) -> list[tuple[str, str]]:
    """Name and SHA-256 of every file that `read` reads."""
    others = [folder / name for name in (_CONFIG, *_EXTRACTOR) if (folder / name).is_file()]
    return [(path.name, _digest(path)) for path in (*_weight_files(folder), *others)]


def _library(name: str) -> Any:
    """A library of the extra `speech`, which takes seconds to import and is not always installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"{name} is not installed; run `pip install 'viseme[speech]'` for speech encoders, or {WITHOUT}"
        ) from error


def _config(folder: Path, family: Family) -> dict[str, Any]:
    """What config.json says, with masking switched off: it is a part of training, and its vector is often not saved."""
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        model_type = config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: has no readable {_CONFIG} with a model_type; give a whole checkpoint") from error
    if model_type != family.model_type:
        raise InputError(
            f"{folder}: is a {model_type} checkpoint, not {family.model_type}; give another, or another audio.kind"
        )
    if "quantization_config" in config:
        raise InputError(f"{folder}: its weights are quantised; give the checkpoint in floating point")
    return {**config, "mask_time_prob": 0.0, "mask_feature_prob": 0.0}


def _weight_files(folder: Path) -> list[Path]:
    whole = folder / "model.safetensors"
    return [whole] if whole.is_file() else sorted(folder.glob("model-*-of-*.safetensors"))


def _weights(folder: Path, family: Family) -> dict[str, Tensor]:
    files = _weight_files(folder)
    if not files and (pickled := sorted(folder.glob("pytorch_model*.bin"))):
        convert = f"from transformers import {family.model} as M; M.from_pretrained('{folder}').save_pretrained('NEW')"
        raise InputError(
            f"{folder}: its weights are pickled ({pickled[0].name}), which can run code; if you trust them, run "
            f'`python -c "{convert}"`, copy preprocessor_config.json to NEW and give NEW'
        )
    if not files:
        raise InputError(f"{folder}: holds no model.safetensors; get the whole checkpoint")
    weights: dict[str, Tensor] = {}
    for path in files:
        try:
            weights |= load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: is not a whole safetensors file ({_line(error)}); get it again") from error
    if bad := next((name for name, value in weights.items() if not bool(value.isfinite().all())), None):
        raise InputError(f"{folder}: {bad} is not finite; get the checkpoint again")
    return weights


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No bar, and no list of the heads left out; what matters of that list is checked by `read`."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_as_of(path.resolve(), status.st_mtime_ns, status.st_size)


@cache
def _digest_as_of(path: Path, changed: int, size: int) -> str:
    return sha256(path)


def _line(error: Exception) -> str:
    """The first line of what another library says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
