"""The training loop, for any `Objective`: draw, step, average, log, validate, checkpoint.

Every step's windows and noise come from a generator seeded by the run's seed and the step, so that a run carried on
from a checkpoint ends with the same weights, bit for bit, as one that was never stopped. Of several processes each
learns from its share of the same step's windows and noise, and their gradients are averaged, so that their number
changes no more than the order of sums.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

import viseme
from viseme.audio.features import encoder
from viseme.config.schema import Config, to_dict
from viseme.config.sections import TrainingConfig
from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.errors import ModelError, StoreError
from viseme.nn.memory import keep_freed_memory
from viseme.nn.weights import copied_weights, save_weights
from viseme.progress import progress
from viseme.training.best import Best
from viseme.training.checkpoint import Snapshot, load_tree
from viseme.training.devices import Devices, build_fabric, machine_name
from viseme.training.ema import Ema
from viseme.training.feeding import TRAINING, VALIDATION, Feed
from viseme.training.loggers import Curves, Means
from viseme.training.peers import Peers
from viseme.training.run import Origin, RunFolder
from viseme.training.saving import Writer
from viseme.training.signs import Watch
from viseme.training.stopping import finishing_the_step
from viseme.training.telling import Roll, boards, check_boards, show
from viseme.types import Objective, Synthesizer


@dataclass(frozen=True)
class TrainReport:
    """What a call of `train` did.

    Attributes:
        run: the run folder.
        first: the step it began at, past 0 where it was resumed.
        steps: the step it ended at, before `training.steps` where `training.patience` ran out.
        seconds: how long it took.
        validation: the last validation's scalars; empty where the store has no `val` clips.
        best: the best validation so far.
        rank: of the process that tells this.
    """

    run: Path
    first: int
    steps: int
    seconds: float
    validation: dict[str, float]
    best: Best
    rank: int


def train(
    objective: Objective,
    config: Config,
    store: Store,
    out: Path,
    *,
    synthesizer: Callable[[nn.Module], Synthesizer],
    roll: Roll | None = None,
    origin: Origin | None = None,
    resume: bool = False,
    devices: Devices | None = None,
) -> TrainReport:
    """Train an objective on the `train` clips of a store, validating on `val`.

    Args:
        objective: what is optimised, freshly built, with the weights of `origin` if any.
        config: what it was built from.
        store: a prepared store.
        out: the run folder.
        synthesizer: makes a `Synthesizer` of the averaged network, for samples.
        roll: makes and scores rollouts of held-out clips at each validation; without one, sample sheets are drawn.
        origin: where those weights came from; kept in run.json, for a resumed run too, which needs none.
        resume: carry on a run that is in `out`; without one there, begin.
        devices: where it trains; of several processes each calls this. One device by default.

    Raises:
        ConfigError: settings that this machine, or the run in `out`, does not fit.
        OutputError: the run folder cannot serve, or cannot be written any more; earlier checkpoints hold.
        StoreError: the store was changed, or a shard of it has gone.
        ModelError: the loss is no longer finite, or another process is lost; the last checkpoint is named.
        KeyboardInterrupt: after SIGINT or SIGTERM, once the step is finished and a checkpoint written.
    """
    trainer = _Trainer(objective, config, store, out, synthesizer, roll, origin, resume, devices or Devices())
    with trainer.peers.watched(trainer.folder.last):
        report = trainer.run()
        trainer.peers.leave()
    return report


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
        origin: Origin | None,
        resume: bool,
        devices: Devices,
    ) -> None:
        keep_freed_memory()
        self.objective, self.config, self.store = objective, config, store
        self.synthesizer, self.roll, self.watch = synthesizer, roll, Watch()
        self.settings: TrainingConfig = config.training
        self.windows = Windows(store, ["train"], config.data, config.audio)
        self.held_out = Windows(store, ["val"], config.data, config.audio) if store.clips("val") else None
        self.folder = RunFolder(Path(out))
        self.audio = encoder(config.audio).fingerprint
        self.fabric = build_fabric(devices, self.settings)
        if devices.count > 1:
            self.fabric.launch()
        self.peers = Peers(self.fabric)
        self.feed = Feed(self.fabric, self.settings, self.peers.rows(self.settings.batch_size))
        self.peers.first(lambda: self.begin(origin, resume, devices))
        objective.setup(self.fabric)
        self.ema = Ema(objective.model, self.settings.ema)
        self.best = Best(self.settings.best_by)
        self.validation: dict[str, float] = {}

    def begin(self, origin: Origin | None, resume: bool, devices: Devices) -> None:
        """Make the run folder, or see that the run in it is this one."""
        check_boards(self.config)
        store = self.store
        source = {"name": store.path.name, "fingerprint": store.fingerprint, "corpus": store.info.corpus}
        self.folder.begin(self.config, source, self.audio, resume)
        began = {} if origin is None else {"init": asdict(origin)}
        machine = {"name": machine_name(self.fabric.device), "device": self.fabric.device.type, **asdict(devices)}
        self.folder.say(machine=machine, **began)

    def run(self) -> TrainReport:
        first, begun = self.restore(), time.monotonic()
        steps, means, done = self.settings.steps, Means(), first
        curves = self.curves(first)
        bar = progress(f"training {self.config.name}", steps, "steps", first)
        try:
            with Writer() as writer, finishing_the_step() as asked, self.alone(bar) as advance:
                left = range(first, first if self.spent() else steps)
                for step, batch in self.feed.batches(self.windows, left):
                    self.feed.seed_dropout(step)
                    means.add(self.objective.step(batch, self.feed.noise(TRAINING, step)))
                    self.ema.update()
                    done = step + 1
                    if done % self.settings.log_every == 0 or done == steps:
                        self.log(curves, done, self.peers.mean(means.take()))
                    if done % self.settings.validate_every == 0 or done == steps:
                        self.validate(curves, writer, done)
                    stopped = self.peers.agreed(asked())
                    if done % self.settings.checkpoint_every == 0 or done == steps or stopped or self.spent():
                        self.save(writer, done)
                    if advance is not None:
                        advance(1)
                    if self.spent():
                        break
                    if stopped and done < steps:
                        raise KeyboardInterrupt(f"{self.folder.path}: stopped at step {done}; --resume carries on")
        finally:
            if curves is not None:
                curves.close()
        seconds = time.monotonic() - begun
        return TrainReport(self.folder.path, first, done, seconds, self.validation, self.best, self.peers.rank)

    def alone(self, context: Any) -> Any:
        """The context in the first process; nothing in the others."""
        return context if self.peers.rank == 0 else nullcontext()

    def curves(self, first: int) -> Curves | None:
        """Of the first process, which writes for all."""
        if self.peers.rank:
            return None
        return Curves(self.folder.metrics, self.folder.tensorboard, first, boards(self.config, self.folder.path))

    def spent(self) -> bool:
        """Whether the run waited long enough for a better validation."""
        return self.best.spent(self.settings.patience)

    def log(self, curves: Curves | None, done: int, scalars: dict[str, float]) -> None:
        bad = [name for name, value in scalars.items() if not math.isfinite(value)]
        if bad:
            raise ModelError(
                f"{self.folder.path}: {bad[0]} is no longer finite at step {done}; {self.folder.last()}; "
                "set training.learning_rate lower"
            )
        if curves is not None:
            curves.log(done, "train", scalars)

    @torch.no_grad()
    def validate(self, curves: Curves | None, writer: Writer, done: int) -> None:
        """Scalars on the same held-out windows each time, samples, early warnings, and whether it is the best."""
        if self.held_out is None:
            return
        means = Means()
        self.objective.model.eval()
        for index in range(self.settings.validation_batches):
            batch = self.feed.held_out(self.held_out, index)
            means.add(self.objective.validate(batch, self.feed.noise(VALIDATION, index)))
        self.objective.model.train()
        self.validation = self.peers.mean(means.take())
        self.peers.first(lambda: self.tell(curves, writer, done))
        self.best = self.peers.same(self.best)

    def tell(self, curves: Curves | None, writer: Writer, done: int) -> None:
        """What the first process makes of a validation."""
        assert curves is not None
        curves.log(done, "val", self.validation)
        made = self.synthesizer(self.ema.average)
        rolled = show(curves, self.folder, done, made, self.store, self.roll, self.feed.samples())
        self.watch.look(self.folder.metrics)
        self.best = self.best.after(self.validation | {f"rollout/{name}": v for name, v in rolled.items()}, done)
        if self.best.step == done:
            weights, about = copied_weights(self.ema.average, torch.float32), self.provenance(done)
            said = self.best.said()

            def write() -> None:
                save_weights(self.folder.best, weights, to_dict(self.config), about)
                self.folder.say(best=said)

            writer.submit(write)

    def save(self, writer: Writer, done: int) -> None:
        """A checkpoint to carry on from, and the averaged weights to generate with; written by the first process."""
        if self.peers.rank:
            return
        self.see_the_store_is_the_same()
        objective = {name: part.state_dict() for name, part in self.objective.state().items()}
        snapshot = Snapshot.take(
            {
                "objective": objective,
                "ema": self.ema.state_dict(),
                "precision": self.fabric.strategy.precision.state_dict(),
                "best": self.best.said(),
            },
            {"step": done, "config": to_dict(self.config)},
        )
        weights, about, ended = copied_weights(self.ema.average, torch.float32), self.provenance(done), self.spent()

        def write() -> None:
            snapshot.write(self.folder.checkpoint(done))
            save_weights(self.folder.model, weights, to_dict(self.config), about)
            self.folder.forget_old_checkpoints(self.settings.keep_checkpoints)
            self.folder.say(step=done, done=ended or done == self.settings.steps)

        writer.submit(write)

    def provenance(self, done: int) -> dict[str, Any]:
        """What a model file says of its training."""
        began = self.folder.read_about().get("init")
        return {
            **({"init": began} if began else {}),
            "steps": done,
            "corpus": self.store.info.corpus,
            "licence": self.store.info.licence,
            "store": self.store.fingerprint,
            "actors": sorted({row.actor for row in self.windows.rows}),
            "clips": len(self.windows.rows),
            "frames": sum(row.frames for row in self.windows.rows),
            "audio": self.audio,
            "viseme": viseme.__version__,
        }

    def see_the_store_is_the_same(self) -> None:
        """Raise `StoreError` where another was put in its place, before what came of it is kept."""
        if Store.open(self.store.path).fingerprint != self.store.fingerprint:
            raise StoreError(
                f"{self.store.path}: was changed while {self.folder.path} learned from it; {self.folder.last()}; "
                "put the store back and --resume, or begin another run"
            )

    def restore(self) -> int:
        """Take up the newest checkpoint; returns the step it was saved at, 0 where there is none."""
        kept = self.folder.checkpoints()
        if not kept:
            return 0
        tree, about = load_tree(kept[-1])
        for name, part in self.objective.state().items():
            part.load_state_dict(tree["objective"][name])
        self.ema.load_state_dict(tree["ema"])
        self.fabric.strategy.precision.load_state_dict(tree.get("precision", {}))
        self.best = replace(self.best, **tree.get("best", {}))
        return int(about["step"])
