"""What keeping freed memory is worth: seconds a training step of each tiny preset, with glibc's allocator as it is and
as `viseme.nn.memory` sets it.

    python benchmarks/allocator.py [--steps 12]

Each case runs in a process of its own, in turn, on random windows; the median step counts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import torch
from lightning_fabric import Fabric

from viseme.audio.features import feature_width
from viseme.config import load_config
from viseme.families import build_objective
from viseme.nn.memory import keep_freed_memory
from viseme.types import Batch


def seconds_a_step(preset: str, steps: int) -> float:
    """Median seconds of a training step on random windows."""
    config = load_config(preset, ["loss.adversary_from=0"] if preset == "tiny_gan" else [])
    objective = build_objective(config)
    objective.setup(Fabric(accelerator="cpu", devices=1, precision=config.training.precision))
    rng = torch.Generator().manual_seed(0)
    count, data = config.training.batch_size, config.data

    def pictures(*shape: int) -> torch.Tensor:
        return torch.rand((count, *shape, data.size, data.size), generator=rng) * 2 - 1

    batch = Batch(
        identity=pictures(3),
        motion=pictures(3),
        frames=pictures(data.window, 3),
        audio=torch.rand((count, data.warmup + data.window, feature_width(config.audio)), generator=rng),
        landmarks=torch.zeros(count, data.window, 68, 2),
        mouth=(pictures(data.window, 1) > 0.7).float(),
        identity_landmarks=torch.zeros(count, 68, 2),
        landmarks_before=torch.zeros(count, data.warmup, 68, 2),
    )
    times = []
    for _ in range(steps):
        begun = time.perf_counter()
        objective.step(batch, rng)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[2:])


def main() -> None:
    """Time each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--case", nargs=2, metavar=("PRESET", "KEEP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        preset, keep = arguments.case
        if keep == "keep":
            keep_freed_memory()
        print(seconds_a_step(preset, arguments.steps))
        return
    for preset in ("tiny_gan", "tiny_ddpm"):
        taken = {}
        for keep in ("leave", "keep"):
            command = [sys.executable, __file__, "--steps", str(arguments.steps), "--case", preset, keep]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            taken[keep] = float(done.stdout.split()[-1])
        ratio = taken["leave"] / taken["keep"]
        print(
            f"{preset}: {taken['leave']:.2f} s a step as it is, {taken['keep']:.2f} s kept: {ratio:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
