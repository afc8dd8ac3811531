"""What the steps of a plan will cost on this machine, from a few moments of each kind of work.

Networks are tried with fresh weights: how long a step or a frame takes does not hang on what they have learned.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

import viseme
from viseme.config import Config, DdpmConfig, load_config
from viseme.data.store import Store
from viseme.errors import VisemeError
from viseme.families import build_network, build_objective, build_synthesizer, held_in_training, sampled_config
from viseme.nn.weights import read_model
from viseme.report.wording import counted, listed, number
from viseme.studies.plan import Plan, Step, references
from viseme.studies.stores import few_clips
from viseme.training.limits import available_memory
from viseme.training.profile import pace
from viseme.types import SAMPLES_PER_FRAME, Conditioning, Synthesizer
from viseme.weights import here

BATCH = 8
"""Clips that `viseme generate` makes at once."""
TRIED_STEPS = 2
"""Denoising steps of the frame that is timed; a frame costs in proportion."""
SCORED = 12
"""Frames that scoring is timed on."""
LONG = 17
"""Frames, frame 0 among them, of the clips that sampling is timed on: a block of sixteen is denoised at once."""


def costs(plan: Plan) -> dict[str, str]:
    """Step -> what it will take, for those that train, sample or score; why it cannot be told where it cannot."""
    clock = _Clock(plan)
    kinds: Mapping[str, Callable[[Step], str]] = {
        "viseme.train": clock.training,
        "viseme.generate": clock.sampling,
        "viseme.evaluate": clock.scoring,
    }
    found = {}
    for step in plan.steps:
        lacking = [part for part in step.parts if here(part) is None]
        if lacking:
            found[step.name] = f"left out: {listed(lacking)} not here"
        elif step.call in kinds:
            try:
                found[step.name] = kinds[step.call](step)
            except VisemeError as error:
                found[step.name] = f"not known: {' '.join(str(error).split())}"
    return found


@dataclass
class _Clock:
    """Times each kind of work once, however many steps do it."""

    plan: Plan
    paces: dict[str, float] = field(default_factory=dict)
    rates: dict[tuple[str, ...], float] = field(default_factory=dict)

    @property
    def data(self) -> str:
        return self.plan.given["data"].path

    def training(self, step: Step) -> str:
        config = load_config(step.arguments["preset"], step.arguments.get("overrides", ()))
        room = available_memory()
        if room is not None and isinstance(config, DdpmConfig) and (held := held_in_training(config)) > room:
            return f"not known: training holds {held / 2**30:.1f} GiB or more, {room / 2**30:.1f} are free"
        key = _of_training(config)
        if key not in self.paces:
            self.paces[key] = pace(build_objective(config), config, Store.open(self.data))
        steps = config.training.steps
        return f"{_duration(steps * self.paces[key])} ({number(steps, 0)} steps of {number(self.paces[key], 2)} s)"

    def sampling(self, step: Step) -> str:
        clips, frames = self._extent(step.arguments.get("data", ""))
        model = str(step.arguments["model"])
        config = self._sampled(model, step.arguments.get("overrides", ()))
        if config is None:
            return f"not timed ({counted(clips, 'clip')} of {counted(frames, 'frame')})"
        key = f"{config.model_dump_json(exclude={'training', 'name'})}{min(clips, BATCH)}"
        if key not in self.paces:
            self.paces[key] = _frame(config, min(clips, BATCH))
        batches = -(-clips // BATCH)
        return (
            f"{_duration(batches * frames * self.paces[key])} ({counted(clips, 'clip')} of {counted(frames, 'frame')})"
        )

    def _sampled(self, model: str, overrides: Sequence[str]) -> Config | None:
        """The configuration that a step samples with; None for a control."""
        name = next(references(model), "")
        if name in self.plan.given:
            path = Path(self.plan.given[name].path)
            return sampled_config(read_model(path).config, path, overrides)
        trained = self.plan.step.get(name)
        if trained is None or trained.call != "viseme.train":
            return None
        made = [*trained.arguments.get("overrides", ()), *overrides]
        return load_config(trained.arguments["preset"], made)

    def scoring(self, step: Step) -> str:
        clips, frames = self._extent(step.arguments["reference"])
        metrics = tuple(step.arguments.get("metrics") or ())
        if metrics not in self.rates:
            self.rates[metrics] = self._scored(metrics)
        return f"{_duration(clips * frames * self.rates[metrics])} ({counted(clips * frames, 'frame')})"

    def _extent(self, store: str) -> tuple[int, int]:
        """Clips and made frames a clip of the store that a reference names; from the whole store's clips at most."""
        names = list(references(store))
        made = self.plan.step.get(names[0]) if names else None
        if made is None:
            rows = Store.open(self.data).clips("test")
            return len(rows), round(float(np.mean([row.frames for row in rows])) - 1) if rows else 0
        if "clips" not in made.arguments:
            return self._extent(str(made.arguments["data"]))
        rows = Store.open(self.data).clips(made.arguments.get("split"))
        longest = max((row.frames for row in rows), default=1)
        asked = made.arguments.get("frames") or longest
        joined = made.call.endswith("joined_clips")
        return (int(made.arguments["clips"]) if joined else min(len(rows), int(made.arguments["clips"]))), asked - 1

    def _scored(self, metrics: tuple[str, ...]) -> float:
        """Seconds a frame of scoring re-encoded truth, on one clip of the store."""
        info = Store.open(self.data).info
        with tempfile.TemporaryDirectory() as folder:
            store, videos = Path(folder) / "store", Path(folder) / "videos"
            split = next((s for s in ("val", "test", "train") if Store.open(self.data).clips(s)), "train")
            few_clips(self.data, store, split=split, clips=1, size=info.size, frames=SCORED + 1)
            viseme.generate("control:reencoded", data=store, split=split, out=videos, size=info.size)
            asked: dict[str, Any] = {"metrics": list(metrics) or None, "jobs": 1}
            viseme.evaluate(videos, store, Path(folder) / "first.json", **asked)
            begun = time.perf_counter()
            viseme.evaluate(videos, store, Path(folder) / "second.json", **asked)
            return (time.perf_counter() - begun) / SCORED


def _of_training(config: Config) -> str:
    """What a step's time hangs on."""
    loop = {"steps", "seed", "init", "learning_rate", "log_every", "validate_every", "checkpoint_every", "warmup_steps"}
    return config.model_dump_json(exclude={"name": True, "sampling": True, "training": loop | {"decay_steps", "ema"}})


def _frame(config: Config, clips: int) -> float:
    """Seconds a made frame of so many clips at once."""
    times = 1.0
    if isinstance(config, DdpmConfig):
        steps = min(TRIED_STEPS, config.sampling.steps)
        times = config.sampling.steps / steps
        config = config.model_copy(update={"sampling": config.sampling.model_copy(update={"steps": steps})})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    synthesizer = build_synthesizer(config, build_network(config).to(device).eval())
    photo = np.zeros((synthesizer.size, synthesizer.size, 3), np.uint8)
    audio = synthesizer.encode(np.zeros(LONG * SAMPLES_PER_FRAME, np.float32), LONG)
    given = Conditioning(photo, audio, np.full((LONG, 68, 2), synthesizer.size / 2, np.float32))
    one = next(_frames(synthesizer, given, 1))  # wakes the device
    if one * times > 2:
        return clips * one * times
    made = list(_frames(synthesizer, given, clips))
    return sum(made) / len(made) * times


def _frames(synthesizer: Synthesizer, given: Conditioning, clips: int) -> Iterator[float]:
    """Seconds from frame to frame, as many as come within twice the time of the first, sixteen at most."""
    begun = last = time.perf_counter()
    first = None
    for _ in islice(synthesizer.synthesize([given] * clips, torch.Generator().manual_seed(0)), LONG - 1):
        now = time.perf_counter()
        yield now - last
        last, first = now, first or now - begun
        if now - begun > 2 * first:
            return


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {number(max(1, round(seconds)), 0)} s"
    if seconds < 5400:
        return f"about {number(round(seconds / 60), 0)} min"
    return f"about {number(seconds / 3600, 1)} h"
