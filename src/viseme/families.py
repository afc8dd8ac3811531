"""From a model's kind to its builders: the only file that knows both families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from viseme.audio.features import encoder
from viseme.config import Config, DdpmConfig, GanConfig, override, parse_config, preset_names
from viseme.config.diffusion import DistillationConfig
from viseme.diffusion.growth import fitted, growth
from viseme.diffusion.model import Network, apart, build_unet
from viseme.diffusion.model import build_network as build_denoiser
from viseme.diffusion.objective import DdpmObjective
from viseme.diffusion.regression import build_regressor
from viseme.diffusion.synthesizer import DdpmSynthesizer
from viseme.diffusion.unet import UNet
from viseme.distillation import DistillationObjective, check_teacher
from viseme.errors import ModelError
from viseme.files import sha256
from viseme.gan.generator import Generator
from viseme.gan.objective import GanObjective, build_generator
from viseme.gan.synthesizer import GanSynthesizer
from viseme.nn.memory import keep_freed_memory
from viseme.nn.weights import load_weights, read_model
from viseme.training.run import Origin, RunFolder
from viseme.types import Objective

ModelSynthesizer = DdpmSynthesizer | GanSynthesizer

_BUNDLED = resources.files("viseme") / "bundled"


def build_network(config: Config) -> nn.Module:
    """The network that generation needs, freshly initialised."""
    return build_generator(config) if isinstance(config, GanConfig) else build_denoiser(config)


def build_objective(config: Config) -> Objective:
    """What `viseme train` optimises, initialised from the configuration's seed.

    Raises:
        ModelError: of a student, where its teacher is not here or cannot teach it.
    """
    with torch.random.fork_rng():
        torch.manual_seed(config.training.seed)
        if isinstance(config, GanConfig):
            return GanObjective(config)
        return (
            DistillationObjective(config, *_teacher(config)) if config.distillation.teacher else DdpmObjective(config)
        )


def build_synthesizer(config: Config, network: nn.Module, fingerprint: str | None = None) -> ModelSynthesizer:
    """What makes frames with a network of `build_network`; `fingerprint` is the SHA-256 of its weights file."""
    if isinstance(config, GanConfig):
        return GanSynthesizer(cast(Generator, network), config, fingerprint)
    return DdpmSynthesizer(cast(Network, network), config, fingerprint)


def count_parameters(config: Config) -> int:
    """Parameters of the network that makes frames, without making it; `count_regressor` counts what moves landmarks."""
    with torch.device("meta"):
        return _count(build_generator(config) if isinstance(config, GanConfig) else build_unet(config))


def count_regressor(config: Config) -> int:
    """Parameters of what moves landmarks by the sound, without making it; 0 where nothing does."""
    with torch.device("meta"):
        regressor = None if isinstance(config, GanConfig) else build_regressor(config)
    return 0 if regressor is None else _count(regressor)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def held_in_training(config: Config) -> int:
    """Bytes that training holds whatever its batch: of each network weights, gradients and AdamW's two moments, and the
    moving average of the one that generates; all float32."""
    with torch.device("meta"):
        alone = {"loss": type(config.loss)(), "distillation": DistillationConfig()}  # of what learns, nothing else
        objective = build_objective(config.model_copy(update=alone))
        networks = [part for part in objective.state().values() if isinstance(part, nn.Module)]
        learned, averaged = (
            sum(p.numel() for n in some for p in n.parameters()) for some in (networks, [objective.model])
        )
    return 4 * (4 * learned + averaged)


def bundled_models() -> list[str]:
    """The models that come with the package, sorted."""
    here = {Path(entry.name).stem for entry in _BUNDLED.iterdir() if entry.name.endswith(".safetensors")}
    return sorted(here & set(preset_names()))


def model_path(model: str | Path) -> Path:
    """The weights of a run folder, a `.safetensors` file, or a bundled model's name.

    Raises:
        ModelError: none of the three; the bundled models are named.
    """
    path, text = Path(model), str(model)
    if text in bundled_models():
        return Path(str(_BUNDLED / f"{text}.safetensors"))
    if path.is_dir():
        weights = RunFolder(path).model
        if not weights.exists():
            raise ModelError(f"{path}: holds no model.safetensors yet; train it, or give another model")
        return weights
    if path.suffix == ".safetensors":
        return path
    hint = " (a preset is what can be trained: viseme train)" if text in preset_names() else ""
    raise ModelError(
        f"{text}: no such model{hint}; give a run folder, a .safetensors file, or one of {', '.join(bundled_models())}"
    )


def begin_from(model: str | Path, config: Config, network: nn.Module) -> Origin:
    """Copy a model's weights into a freshly built network of a run, and say which they were.

    A denoiser's are grown where its patch and its pictures have become larger together (`viseme.diffusion.growth`); all
    others must be of the same architecture. Of a GAN they are the generator's alone.

    Args:
        model: a run folder, a `.safetensors` file or a bundled model's name.
        config: of the run.
        network: what `Objective.model` is, before its `setup`.

    Raises:
        ModelError: no such model, damaged weights, another family, or another architecture; of its weights the first
            three that differ are named.
    """
    path = model_path(model)
    file = read_model(path)
    source, weights, times = parse_config(file.config, str(path)), file.weights, 1
    if isinstance(source, DdpmConfig) and isinstance(config, DdpmConfig):
        times = growth(source, config, str(path))
        weights = fitted(weights, source, times, str(path))
    elif source.kind != config.kind:
        raise ModelError(f"{path}: is a {source.kind}, and a {config.kind} cannot begin from it; give another model")
    load_weights(network, weights, str(path))
    return Origin(Path(model).name, sha256(path), times)


def _teacher(config: DdpmConfig) -> tuple[UNet, DdpmConfig]:
    """The denoiser that a student learns from, on the CPU, and its configuration."""
    path = model_path(config.distillation.teacher)
    file = read_model(path)
    taught = parse_config(file.config, str(path))
    if not isinstance(taught, DdpmConfig):
        raise ModelError(f"{path}: is a {taught.kind} and no ddpm; give another distillation.teacher")
    check_teacher(config, taught, str(path))
    network = build_denoiser(taught)
    load_weights(network, file.weights, str(path))
    return apart(network)[0], taught


def sampled_config(fields: Mapping[str, Any], path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a model's file with fields of its `sampling` overridden: what taught it binds it no more.

    Raises:
        ConfigError: it is no configuration, or an override does not fit it.
    """
    config = parse_config(fields, str(path))
    if isinstance(config, DdpmConfig):
        config = config.model_copy(update={"distillation": DistillationConfig()})
    return override(config, overrides)


def load_synthesizer(model: str | Path, overrides: Sequence[str] = ()) -> ModelSynthesizer:
    """Load a model for generation, on the CPU or the first GPU, with fields of its `sampling` overridden.

    Raises:
        ModelError: no such model, damaged weights, weights of another architecture, or another audio encoder.
        InputError: the weights of its audio encoder are not here.
        ConfigError: an override of something else than `sampling`, or out of range.
    """
    keep_freed_memory()
    path = model_path(model)
    file = read_model(path)
    config = sampled_config(file.config, path, overrides)
    if file.training.get("audio", encoder(config.audio).fingerprint) != encoder(config.audio).fingerprint:
        raise ModelError(
            f"{path}: was trained on features of another {config.audio.kind} encoder; "
            "name its weights with --set audio.checkpoint=PATH"
        )
    network = build_network(config)
    load_weights(network, file.weights, str(path))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return build_synthesizer(config, network.to(device), sha256(path))
