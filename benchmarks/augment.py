"""What each augmentation costs: windows a second drawn from a store with and without it, one thread, in turn.

    python benchmarks/augment.py --data STORE [--size 64] [--window 1] [--batch 32] [--rounds 15]

Every augmentation is applied to all windows; the median round counts, and the last column is the median of what a round
takes beyond the plain one beside it.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from viseme.config.sections import AudioConfig, DataConfig
from viseme.data.store import Store
from viseme.data.windows import Windows
from viseme.nn.memory import keep_freed_memory

CASES: dict[str, dict[str, float]] = {
    "none": {},
    "flip and colour": {"flip": 0.5, "colour": 0.15},
    "background": {"background": 1.0},
    "rotation, scale, shift": {"rotation": 5.0, "scale": 0.05, "shift": 0.03},
}


def main() -> None:
    """Draw batches of each case in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--window", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    store = Store.open(arguments.data)
    windows = {}
    for name, fields in CASES.items():
        data = DataConfig(**{"size": arguments.size, "window": arguments.window, "flip": 0.0, "colour": 0.0, **fields})
        windows[name] = Windows(store, ["train"], data, AudioConfig())
        windows[name].batch(arguments.batch, torch.Generator())
    taken: dict[str, list[float]] = {name: [] for name in CASES}
    for number in range(arguments.rounds):
        for name, drawn in windows.items():
            rng = torch.Generator().manual_seed(number)
            begun = time.perf_counter()
            drawn.batch(arguments.batch, rng)
            taken[name].append((time.perf_counter() - begun) / arguments.batch)
    print(f"{'augmentation':<24}{'windows/s':>10}{'ms a window beyond none':>25}")
    for name, times in taken.items():
        beyond = statistics.median(time - plain for time, plain in zip(times, taken["none"], strict=True))
        print(f"{name:<24}{1 / statistics.median(times):>10.0f}{1000 * beyond:>25.2f}")


if __name__ == "__main__":
    main()
