"""Where the time and the memory of a training step go, and how large a batch this machine can take."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import optimizer as optimizers
from torch.utils.flop_counter import FlopCounterMode

from viseme.config.schema import Config
from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.nn.memory import keep_freed_memory
from viseme.training.devices import Devices, build_fabric
from viseme.training.ema import Ema
from viseme.training.feeding import TRAINING, Feed
from viseme.training.limits import available_memory, largest_that, matmul_peak, resident_peak, synchronize
from viseme.types import Batch, Objective

WARM_UP, STEPS = 5, 20
PARTS = ("data waiting", "forward", "backward", "optimizer", "rest")
"""Data waiting ends with the batch on the device; the rest is losses, noise and the moving average."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured.

    Attributes:
        name: of the configuration.
        device: cpu, cuda or mps.
        precision: of the training.
        threads: of the CPU.
        batch: windows a step.
        seconds: a step, median.
        shares: of a step's time, by `PARTS`; they sum to 1.
        frames: learned from a second.
        operations: of a step's convolutions and matrix products, forward and backward; two a multiplication.
        peak: operations a second of a large matrix product in the same precision, the best of five.
        memory: bytes at the worst moment: allocated on a GPU, of the whole process otherwise.
        largest: windows a step that fit; None where that cannot be told.
        tried: whether the largest batch was tried, or extrapolated from two smaller ones.
    """

    name: str
    device: str
    precision: str
    threads: int
    batch: int
    seconds: float
    shares: dict[str, float]
    frames: float
    operations: float
    peak: float
    memory: int
    largest: int | None
    tried: bool

    def tables(self) -> Iterator[tuple[list[str], list[list[object]]]]:
        """Headings and rows, to be printed."""
        yield (
            ["part of a step", "ms", "%"],
            [[part, round(1e3 * self.seconds * s, 1), round(100 * s, 1)] for part, s in self.shares.items()],
        )
        reached = self.operations / self.seconds
        largest = "not known" if self.largest is None else str(self.largest)
        yield (
            ["what", "value"],
            [
                ["configuration", f"{self.name}, batch {self.batch}, {self.precision}"],
                ["device", self.device + (f", {self.threads} threads" if self.device == "cpu" else "")],
                ["step", f"{1e3 * self.seconds:.1f} ms"],
                ["frames a second", f"{self.frames:.1f}"],
                ["GFLOP a step", f"{self.operations / 1e9:.1f}"],
                ["GFLOP/s", f"{reached / 1e9:.1f}"],
                ["of a matrix product's", f"{100 * reached / self.peak:.0f} % of {self.peak / 1e9:.0f} GFLOP/s"],
                ["memory", f"{self.memory / 2**30:.2f} GiB"],
                ["largest batch", largest + ("" if self.tried or self.largest is None else " (extrapolated)")],
            ],
        )


def profile(objective: Objective, config: Config, store: Store) -> Profile:
    """Train 25 steps on one device, the last 20 of them timed, and a few more for the memory; nothing is written.

    Raises:
        ConfigError: a precision that this machine does not have.
        StoreError: the store has no clip to train on.
    """
    keep_freed_memory()
    learner = _Learner(objective, config, store)
    device, batch = learner.fabric.device, config.training.batch_size
    clock = Clock(device)
    steps = []
    with clock.watching(learner.fabric, [part for part in objective.state().values() if isinstance(part, nn.Module)]):
        batches = learner.batches(batch, WARM_UP + STEPS)
        for step in range(WARM_UP + STEPS):
            if step == WARM_UP:
                clock.parts.clear()
            begun = time.perf_counter()
            with clock.part("data waiting"):
                at, given = next(batches)
            learner.learn(at, given)
            synchronize(device)
            steps.append(time.perf_counter() - begun)
    memory = learner.memory()
    total = sum(steps[WARM_UP:])
    shares = {part: clock.parts[part] / total for part in PARTS[:-1]}
    seconds = statistics.median(steps[WARM_UP:])
    largest = learner.largest_tried(batch) if device.type == "cuda" else learner.largest_extrapolated(batch, memory)
    return Profile(
        name=config.name,
        device=device.type,
        precision=config.training.precision,
        threads=torch.get_num_threads(),
        batch=batch,
        seconds=seconds,
        shares={**shares, PARTS[-1]: 1 - sum(shares.values())},
        frames=batch * config.data.window / seconds,
        operations=learner.operations(batch),
        peak=matmul_peak(device, config.training.precision),
        memory=memory,
        largest=largest,
        tried=device.type == "cuda",
    )


def pace(objective: Objective, config: Config, store: Store, patience: float = 5.0) -> float:
    """Seconds a training step takes on one device, from one or two tries; nothing is written.

    A step of one window is timed after another that wakes the device. The whole batch is tried where that should take
    no more than `patience` seconds; beyond, it is taken to cost its windows' sum. Raises as `profile` does.
    """
    learner, whole = _Learner(objective, config, store), config.training.batch_size
    learner.learn_one(1)
    seconds = _timed(learner, 1)
    return _timed(learner, whole) if whole * seconds <= patience else whole * seconds


def _timed(learner: _Learner, size: int) -> float:
    begun = time.perf_counter()
    learner.learn_one(size)
    return time.perf_counter() - begun


class Clock:
    """Sums the time of named parts, waiting each time until the device has done what it was given."""

    def __init__(self, device: torch.device) -> None:
        self.parts: defaultdict[str, float] = defaultdict(float)
        self._device = device
        self._begun = 0.0

    def begin(self, *_: object) -> None:
        """Start; takes whatever a hook is given."""
        synchronize(self._device)
        self._begun = time.perf_counter()

    def end(self, name: str) -> None:
        """Add the time since `begin` to a part."""
        synchronize(self._device)
        self.parts[name] += time.perf_counter() - self._begun

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time in here to a part."""
        self.begin()
        yield
        self.end(name)

    @contextmanager
    def watching(self, fabric: Fabric, networks: list[nn.Module]) -> Iterator[None]:
        """Time the networks' forward passes, the fabric's backward passes and all optimizers' steps in here."""
        timed = {"backward": "backward", "clip_gradients": "optimizer"}
        for name, part in timed.items():
            setattr(fabric, name, self._timed(part, getattr(fabric, name)))
        handles: list[Any] = [
            optimizers.register_optimizer_step_pre_hook(self.begin),
            optimizers.register_optimizer_step_post_hook(lambda *_: self.end("optimizer")),
        ]
        for network in networks:
            handles.append(network.register_forward_pre_hook(self.begin))
            handles.append(network.register_forward_hook(lambda *_: self.end("forward")))
        try:
            yield
        finally:
            for name in timed:
                delattr(fabric, name)
            for handle in handles:
                handle.remove()

    def _timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return work(*args, **kwargs)

        return timed


class _Learner:
    """What takes steps as the trainer does, at any batch size."""

    def __init__(self, objective: Objective, config: Config, store: Store) -> None:
        self.objective, self.settings = objective, config.training
        self.fabric = build_fabric(Devices(), self.settings)
        objective.setup(self.fabric)
        self.ema = Ema(objective.model, self.settings.ema)
        self.windows = Windows(store, ["train"], config.data, config.audio)

    def feed(self, size: int) -> Feed:
        return Feed(self.fabric, self.settings.model_copy(update={"batch_size": size}), range(size))

    def batches(self, size: int, steps: int) -> Iterator[tuple[int, Batch]]:
        return self.feed(size).batches(self.windows, range(steps))

    def learn(self, step: int, batch: Batch) -> None:
        feed = self.feed(len(batch.identity))
        feed.seed_dropout(step)
        self.objective.step(batch, feed.noise(TRAINING, step))
        self.ema.update()

    def learn_one(self, size: int) -> None:
        for step, batch in self.batches(size, 1):
            self.learn(step, batch)
        synchronize(self.fabric.device)

    def operations(self, size: int) -> float:
        """Of one step; what torch.compile would hide is run without it."""
        counter = FlopCounterMode(display=False)
        with torch.compiler.set_stance("force_eager"), counter:
            self.learn_one(size)
        return float(counter.get_total_flops())

    def memory(self) -> int:
        if self.fabric.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.fabric.device)
        return resident_peak()

    def largest_tried(self, size: int) -> int | None:
        def fits(count: int) -> bool:
            try:
                self.learn_one(count)
            except torch.OutOfMemoryError:
                return False
            finally:
                torch.cuda.empty_cache()
            return True

        return largest_that(fits, size, self.settings.accumulate)

    def largest_extrapolated(self, size: int, memory: int) -> int | None:
        """From what twice the batch needs more than once, and from what the machine has left after that."""
        self.learn_one(2 * size)
        more, left = resident_peak() - memory, available_memory()
        if left is None or more <= 0:
            return None
        count = int(2 * size + size * left / more)
        return count - count % self.settings.accumulate
