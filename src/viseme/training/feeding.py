"""What each step of a run learns from: windows and random numbers that depend on seed, step and place in the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import torch
from lightning_fabric import Fabric

from viseme.config.sections import TrainingConfig
from viseme.data.epochs import Epochs
from viseme.data.manifest import ClipRow
from viseme.data.mirror import FetchAhead
from viseme.data.windows import Windows
from viseme.nn.draws import Share
from viseme.types import Batch

TRAINING, VALIDATION, SAMPLES, DROPOUT = 0, 1, 2, 3
AHEAD = 32
"""Steps before which a shard that is elsewhere is sent for, where it is known when it will be read."""


class Feed:
    """Batches and generators by step, for the samples that one process learns from.

    Args:
        fabric: whose device batches go to.
        settings: of the training.
        rows: the samples of each batch that are here.
    """

    def __init__(self, fabric: Fabric, settings: TrainingConfig, rows: range) -> None:
        self.fabric, self.settings, self.rows = fabric, settings, rows

    def batches(self, windows: Windows, steps: range) -> Iterator[tuple[int, Batch]]:
        """Each step's batch on the device, the next one drawn while this one is learned from. Raises `StoreError`."""
        at_once = windows.data.shuffle_shards
        epochs = Epochs(windows.rows, self.settings.batch_size, at_once, self.settings.seed) if at_once else None
        with FetchAhead(windows.store.path) as shards, ThreadPoolExecutor(max_workers=1) as pool:
            pending = pool.submit(self._drawn, windows, TRAINING, steps[0], epochs) if steps else None
            for step in steps:
                assert pending is not None
                if epochs:
                    soon = range(step, min(step + AHEAD, steps.stop))
                    shards.ask(row.shard for at in soon for row in self._rows(epochs, at))
                batch = pending.result()
                pending = pool.submit(self._drawn, windows, TRAINING, step + 1, epochs) if step + 1 in steps else None
                yield step, self._moved(batch)

    def held_out(self, windows: Windows, index: int) -> Batch:
        """A validation's batch number `index`, never augmented, the same at every validation."""
        return self._moved(self._drawn(windows, VALIDATION, index))

    def noise(self, stream: int, step: int) -> Share:
        """The generator of a step's noise."""
        return self._share(stream, step, 1)

    def samples(self) -> torch.Generator:
        """The generator of every validation's samples."""
        return torch.Generator().manual_seed(self._seed(SAMPLES, 0, 0))

    def seed_dropout(self, step: int) -> None:
        """Seed torch's own generators, which dropout draws from: by seed, step and process."""
        torch.manual_seed(self._seed(DROPOUT, step, self.rows.start))

    def _drawn(self, windows: Windows, stream: int, step: int, epochs: Epochs | None = None) -> Batch:
        rows = self._rows(epochs, step) if epochs else None
        share = self._share(stream, step, 0)
        batch = windows.batch(len(self.rows), share, rows=rows, augmented=stream == TRAINING)
        return _each(batch, torch.Tensor.pin_memory) if self.fabric.device.type == "cuda" else batch

    def _rows(self, epochs: Epochs, step: int) -> list[ClipRow]:
        return [epochs.row(step, place) for place in self.rows]

    def _moved(self, batch: Batch) -> Batch:
        return _each(batch, self.fabric.to_device)

    def _share(self, stream: int, step: int, noise: int) -> Share:
        share = Share(self.settings.batch_size, self.rows)
        share.manual_seed(self._seed(stream, step, noise))
        return share

    def _seed(self, *place: int) -> int:
        state = np.random.SeedSequence([self.settings.seed, *place]).generate_state(1, np.uint64)
        return int(state[0] >> np.uint64(1))


def _each(batch: Batch, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
    return Batch(**{field.name: change(getattr(batch, field.name)) for field in fields(batch)})
