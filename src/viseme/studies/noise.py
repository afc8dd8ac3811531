"""How large the noise is that a trained denoiser predicts, against the true noise, along the schedule.

A network that predicts a little too much or too little at each step adds that up over the steps of a frame and the
frames of a rollout: the paper's first guess at its drift.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from os import PathLike

import numpy as np
import torch

from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.diffusion.noise_ratio import noise_ratios
from viseme.diffusion.synthesizer import DdpmSynthesizer
from viseme.errors import InputError
from viseme.evaluation.results import read_json
from viseme.families import load_synthesizer
from viseme.files import write_json
from viseme.types import Batch

SAMPLES = 16
"""Held-out windows that are looked at, the same at every timestep."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """||eps_hat|| / ||eps|| at some timesteps `[N]`: mean and standard deviation over samples (`noise_ratio`)."""

    timesteps: list[int]
    mean: list[float]
    std: list[float]

    @property
    def inner(self) -> list[float]:
        """The means in the inner four fifths of the timesteps: where hardly any noise is left, or any signal, an
        estimate of x0 says little of eps; all means where there are few."""
        low, high = np.quantile(self.timesteps, (0.1, 0.9))
        inner = [mean for step, mean in zip(self.timesteps, self.mean, strict=True) if low <= step <= high]
        return inner or self.mean


def write_ratios(
    model: str, data: str | PathLike[str], out: str | PathLike[str], *, count: int = 25, seed: int = 0
) -> None:
    """Measure a model on held-out windows of a store and write `Ratios` as JSON.

    Args:
        model: a run folder, a weights file or a bundled model.
        data: the store.
        out: the file.
        count: timesteps looked at, evenly spaced from end to end.
        seed: of windows and noise.

    Raises:
        InputError: the model is no diffusion model.
    """
    synthesizer = load_synthesizer(model)
    if not isinstance(synthesizer, DdpmSynthesizer):
        raise InputError(f"{model}: is no diffusion model and predicts no noise; give one of kind ddpm")
    config, rng = synthesizer.config, torch.Generator().manual_seed(seed)
    windows = Windows(Store.open(data), ["val"], config.data, config.audio).batch(SAMPLES, rng, augmented=False)
    device = next(synthesizer.network.parameters()).device
    batch = Batch(*(getattr(windows, field.name).to(device) for field in fields(Batch)))
    steps = sorted({round(step) for step in np.linspace(0, config.diffusion.steps - 1, count).tolist()})
    found = noise_ratios(synthesizer.network, config, synthesizer.process, batch, steps, rng)
    write_json(out, asdict(Ratios(steps, found.mean.tolist(), found.std.tolist())))


def read_ratios(path: str | PathLike[str]) -> Ratios:
    """What `write_ratios` wrote. Raises `InputError` for anything else."""
    value = read_json(path, "a file of noise ratios that a study wrote")
    try:
        return Ratios(value["timesteps"], value["mean"], value["std"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: holds no noise ratios; remove it and run the same study again") from error
