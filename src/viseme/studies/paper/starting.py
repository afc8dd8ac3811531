"""What a run's network loses before its first step: on the windows and the noise that its own validations look at."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from viseme.config import load_config
from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.families import begin_from, build_objective
from viseme.files import AnyPath, write_json
from viseme.training.devices import Devices, build_fabric
from viseme.training.feeding import VALIDATION, Feed
from viseme.training.loggers import Means


def write_losses(preset: str, data: AnyPath, overrides: Sequence[str], out: AnyPath) -> None:
    """Validate a run that `training.init` begins from a model, as it is at step 0, and write the scalars as JSON.

    Raises:
        StoreError: the store holds no clips to validate on.
        ModelError: weights that the run cannot begin from.
    """
    config = load_config(preset, overrides)
    windows = Windows(Store.open(data), ["val"], config.data, config.audio)
    objective = build_objective(config)
    begin_from(config.training.init, config, objective.model)
    fabric = build_fabric(Devices(), config.training)
    objective.setup(fabric)
    objective.model.eval()
    feed, means = Feed(fabric, config.training, range(config.training.batch_size)), Means()
    with torch.no_grad():
        for index in range(config.training.validation_batches):
            means.add(objective.validate(feed.held_out(windows, index), feed.noise(VALIDATION, index)))
    write_json(out, means.take())
