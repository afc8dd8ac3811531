"""How a batched diffusion rollout grows: frames a second by inference steps, by clips at once and by length.

    python benchmarks/rollout.py [--preset tiny_ddpm] [--set model.base=96]

Each frame waits for the one before (`sampling.motion=previous`), on random weights: the arithmetic is that of trained
ones. Time should grow in proportion to steps and to length (ratio 1), memory not at all with length, and clips at once
should cost no more than one after another. Every case is timed twice, and the better counts.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import torch

from viseme.config import load_config
from viseme.diffusion.synthesizer import DdpmSynthesizer
from viseme.families import build_network, build_synthesizer
from viseme.nn.memory import keep_freed_memory
from viseme.types import Conditioning

STEPS, BATCHES, LENGTHS = (5, 10, 20, 40), (1, 2, 4, 8), (25, 50, 100, 200)
FRAMES = 8
"""Length of a rollout where length is not what changes."""


def synthesizer(preset: str, overrides: list[str], steps: int) -> DdpmSynthesizer:
    """A model of random weights whose frames follow one another."""
    torch.manual_seed(0)
    config = load_config(preset, [*overrides, "sampling.motion=previous", f"sampling.steps={steps}"])
    model = build_synthesizer(config, build_network(config))
    if not isinstance(model, DdpmSynthesizer):
        raise SystemExit(f"{preset}: is no diffusion model")
    return model


def seconds(model: DdpmSynthesizer, clips: int, frames: int, repeats: int = 2) -> float:
    """Wall-clock time in which that many frames of that many clips are made."""
    rng, size = np.random.default_rng(0), model.size
    width = model.encode(np.zeros(640, np.float32), 1).shape[1]
    landmarks = np.zeros((frames + 1, 68, 2), np.float32) if model.uses_landmarks else None
    driven = [
        Conditioning(
            rng.integers(0, 256, (size, size, 3), np.uint8),
            rng.normal(0, 0.1, (frames + 1, width)).astype(np.float32),
            landmarks,
        )
        for _ in range(clips)
    ]
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        made = sum(len(frame) for frame in model.synthesize(driven, torch.Generator().manual_seed(0)))
        taken.append(time.perf_counter() - begun)
        assert made == clips * frames
    return min(taken)


def most_memory() -> float:
    """The most that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Print one table each for steps, clips and length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="tiny_ddpm")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="FIELD=VALUE")
    arguments = parser.parse_args()
    keep_freed_memory()
    few = synthesizer(arguments.preset, arguments.overrides, STEPS[0])
    seconds(few, 1, 1)
    print(f"{arguments.preset}, {torch.get_num_threads()} threads, torch {torch.__version__}", flush=True)

    first = None
    for steps in STEPS:
        each = seconds(synthesizer(arguments.preset, arguments.overrides, steps), 1, FRAMES) / FRAMES
        first = first or each / steps
        print(
            f"{steps} steps: {1 / each:.2f} frames/s, time a step {each / steps / first:.2f} of the first's", flush=True
        )
    first = None
    for clips in BATCHES:
        each = seconds(few, clips, FRAMES) / FRAMES / clips
        first = first or each
        print(f"{clips} clips: {1 / each:.2f} frames/s, time a frame {each / first:.2f} of a single clip's", flush=True)
    first, held = None, 0.0
    for frames in LENGTHS:
        each = seconds(few, 1, frames, repeats=1) / frames
        first, held = first or each, held or most_memory()
        more = most_memory() - held
        print(
            f"{frames} frames: time a frame {each / first:.2f} of the first's, {more:.0f} MB more at most", flush=True
        )


if __name__ == "__main__":
    main()
