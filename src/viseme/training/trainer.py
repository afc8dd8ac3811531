"""The training loop, for any `Objective`: draw, step, average, log, validate, checkpoint.

Every step's windows and noise come from a generator seeded by the run's seed and the step, so that a run carried on
from a checkpoint ends with the same weights, bit for bit, as one that was never stopped.
"""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

import viseme
from viseme.audio.features import encoder
from viseme.config.schema import Config, TrainingConfig, to_dict
from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.errors import ModelError
from viseme.files import write_json
from viseme.nn.memory import keep_freed_memory
from viseme.nn.weights import save_model
from viseme.progress import progress
from viseme.training.checkpoint import global_random_state, load_tree, save_tree, set_global_random_state
from viseme.training.ema import Ema
from viseme.training.loggers import Curves, Means
from viseme.training.run import RunFolder
from viseme.training.signs import Watch
from viseme.training.telling import Roll, boards, check_boards, show
from viseme.types import Batch, Objective, Synthesizer

TRAINING, VALIDATION, SAMPLES = 0, 1, 2


@dataclass(frozen=True)
class TrainReport:
    """What a call of `train` did.

    Attributes:
        run: the run folder.
        first: the step it began at, past 0 where it was resumed.
        steps: the step it ended at.
        seconds: how long it took.
        validation: the last validation's scalars; empty where the store has no `val` clips.
    """

    run: Path
    first: int
    steps: int
    seconds: float
    validation: dict[str, float]


def train(
    objective: Objective,
    config: Config,
    store: Store,
    out: Path,
    *,
    synthesizer: Callable[[nn.Module], Synthesizer],
    roll: Roll | None = None,
    resume: bool = False,
) -> TrainReport:
    """Train an objective on the `train` clips of a store, validating on `val`.

    Args:
        objective: what is optimised, freshly built.
        config: what it was built from.
        store: a prepared store.
        out: the run folder.
        synthesizer: makes a `Synthesizer` of the averaged network, for samples.
        roll: makes and scores rollouts of held-out clips at each validation; without one, sample sheets are drawn.
        resume: carry on a run that is in `out`; without one there, begin.

    Raises:
        ModelError: the loss is no longer finite; the last checkpoint is named.
        KeyboardInterrupt: after SIGINT or SIGTERM, once the step is finished and a checkpoint written.
    """
    return _Trainer(objective, config, store, out, synthesizer, roll, resume).run()


class _Trainer:
    """One call of `train`: what its parts share."""

    def __init__(
        self,
        objective: Objective,
        config: Config,
        store: Store,
        out: Path,
        synthesizer: Callable[[nn.Module], Synthesizer],
        roll: Roll | None,
        resume: bool,
    ) -> None:
        keep_freed_memory()
        self.objective, self.config, self.store = objective, config, store
        self.synthesizer, self.roll, self.watch = synthesizer, roll, Watch()
        self.settings: TrainingConfig = config.training
        self.windows = Windows(store, ["train"], config.data, config.audio)
        self.held_out = Windows(store, ["val"], config.data, config.audio) if store.clips("val") else None
        check_boards(config)
        self.folder = RunFolder(Path(out))
        source = {"name": store.path.name, "fingerprint": store.fingerprint, "corpus": store.info.corpus}
        self.audio = encoder(config.audio).fingerprint
        self.folder.begin(config, source, self.audio, resume)
        # Fabric tells the precision on stderr, where only errors belong; the configuration says it too.
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        self.fabric = Fabric(accelerator="auto", devices=1, precision=self.settings.precision)
        objective.setup(self.fabric)
        self.ema = Ema(objective.model, self.settings.ema)
        self.validation: dict[str, float] = {}

    def run(self) -> TrainReport:
        first, begun = self.restore(), time.monotonic()
        more = boards(self.config, self.folder.path)
        curves, means = Curves(self.folder.metrics, self.folder.tensorboard, first, more), Means()
        steps = self.settings.steps
        try:
            with (
                _finishing_the_step() as stopped,
                progress(f"training {self.config.name}", steps, "steps", first) as advance,
            ):
                for step, batch in self.batches(first):
                    means.add(self.objective.step(batch, self.generator(TRAINING, step, noise=True)))
                    self.ema.update()
                    done = step + 1
                    if done % self.settings.log_every == 0 or done == steps:
                        self.log(curves, done, means.take())
                    if done % self.settings.validate_every == 0 or done == steps:
                        self.validate(curves, done)
                    if done % self.settings.checkpoint_every == 0 or done == steps or stopped():
                        self.save(done)
                    advance(1)
                    if stopped() and done < steps:
                        raise KeyboardInterrupt(f"{self.folder.path}: stopped at step {done}; --resume carries on")
        finally:
            curves.close()
        return TrainReport(self.folder.path, first, steps, time.monotonic() - begun, self.validation)

    def batches(self, first: int) -> Iterator[tuple[int, Batch]]:
        """Each step's batch, the next one drawn while this one is learned from."""

        def draw(step: int) -> Batch:
            return self.windows.batch(self.settings.batch_size, self.generator(TRAINING, step))

        with ThreadPoolExecutor(max_workers=1) as pool:
            pending = pool.submit(draw, first) if first < self.settings.steps else None
            for step in range(first, self.settings.steps):
                assert pending is not None
                batch = pending.result()
                pending = pool.submit(draw, step + 1) if step + 1 < self.settings.steps else None
                yield step, self.on_device(batch)

    def on_device(self, batch: Batch) -> Batch:
        """The batch moved to the fabric's device."""
        return Batch(**{field.name: self.fabric.to_device(getattr(batch, field.name)) for field in fields(batch)})

    def generator(self, stream: int, step: int, noise: bool = False) -> torch.Generator:
        """The generator of one step's windows, or of its noise: a function of seed, stream and step alone."""
        seed = np.random.SeedSequence([self.settings.seed, stream, step, int(noise)]).generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(seed[0] >> np.uint64(1)))

    def log(self, curves: Curves, done: int, scalars: dict[str, float]) -> None:
        bad = [name for name, value in scalars.items() if not math.isfinite(value)]
        if bad:
            kept = self.folder.checkpoints()
            raise ModelError(
                f"{self.folder.path}: {bad[0]} is no longer finite at step {done}; "
                + (f"the last checkpoint is {kept[-1].name}; " if kept else "")
                + "set training.learning_rate lower"
            )
        curves.log(done, "train", scalars)

    @torch.no_grad()
    def validate(self, curves: Curves, done: int) -> None:
        """Scalars on the same held-out windows each time, samples, and early warnings."""
        if self.held_out is None:
            return
        means = Means()
        self.objective.model.eval()
        for index in range(self.settings.validation_batches):
            batch = self.held_out.batch(self.settings.batch_size, self.generator(VALIDATION, index), augmented=False)
            means.add(self.objective.validate(self.on_device(batch), self.generator(VALIDATION, index, noise=True)))
        self.objective.model.train()
        self.validation = means.take()
        curves.log(done, "val", self.validation)
        made = self.synthesizer(self.ema.average)
        show(curves, self.folder, done, made, self.store, self.roll, self.generator(SAMPLES, 0))
        self.watch.look(self.folder.metrics)

    def save(self, done: int) -> None:
        """A checkpoint to carry on from, and the averaged weights to generate with."""
        tree = {name: part.state_dict() for name, part in self.objective.state().items()}
        tree = {"objective": tree, "ema": self.ema.state_dict(), "random": global_random_state()}
        save_tree(self.folder.checkpoint(done), tree, {"step": done, "config": to_dict(self.config)})
        actors = {row.actor for row in self.windows.rows}
        training = {
            "steps": done,
            "corpus": self.store.info.corpus,
            "store": self.store.fingerprint,
            "actors": sorted(actors),
            "clips": len(self.windows.rows),
            "audio": self.audio,
            "viseme": viseme.__version__,
        }
        save_model(self.folder.model, self.ema.average, to_dict(self.config), training, torch.float32)
        self.folder.forget_old_checkpoints(self.settings.keep_checkpoints)
        write_json(self.folder.about, {**self.folder.read_about(), "step": done, "done": done == self.settings.steps})

    def restore(self) -> int:
        """Take up the newest checkpoint; returns the step it was saved at, 0 where there is none."""
        kept = self.folder.checkpoints()
        if not kept:
            torch.manual_seed(self.settings.seed)
            return 0
        tree, about = load_tree(kept[-1])
        for name, part in self.objective.state().items():
            part.load_state_dict(tree["objective"][name])
        self.ema.load_state_dict(tree["ema"])
        set_global_random_state(tree["random"])
        return int(about["step"])


@contextmanager
def _finishing_the_step() -> Iterator[Callable[[], bool]]:
    """Turn SIGINT and SIGTERM into a flag that the loop reads between steps; a second one stops at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(_number: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
