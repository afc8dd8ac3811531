"""How fast the bundled models are, one clip at a time: frames a second, against real time and against the machine.

    python benchmarks/generate.py [--frames 75]

Real time is 25 frames a second. The machine's limit is what its matrix products reach in the model's precision,
measured in the same run, over the floating-point operations that a frame takes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from viseme.families import ModelSynthesizer, load_synthesizer
from viseme.types import FPS, SAMPLES_PER_FRAME, Conditioning

CASES = (
    ("talk_gan", ()),
    ("talk_ddpm_fast", ()),
    ("talk_ddpm", ()),
    ("talk_ddpm", ("sampling.steps=50",)),
)


def matmul_peak(precision: str, size: int = 1536) -> float:
    """Floating-point operations a second of a square matrix product, the best of several."""
    a = torch.randn(size, size, dtype=torch.bfloat16 if precision == "bf16-mixed" else torch.float32)
    best = 0.0
    for _ in range(8):
        begun = time.perf_counter()
        a @ a
        best = max(best, 2 * size**3 / (time.perf_counter() - begun))
    return best


def driven(model: ModelSynthesizer, frames: int) -> Conditioning:
    """A random photo and a random voice."""
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 0.1, frames * SAMPLES_PER_FRAME).astype(np.float32)
    return Conditioning(rng.integers(0, 256, (model.size, model.size, 3), np.uint8), model.encode(audio, frames))


def main() -> None:
    """Time each case and print its speed and its limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=75)
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}")
    for name, overrides in CASES:
        model = load_synthesizer(name, overrides)
        precision = model.config.sampling.precision
        with FlopCounterMode(display=False) as counter:
            list(model.synthesize([driven(model, 10)], torch.Generator().manual_seed(0)))
        flops = counter.get_total_flops() / 9
        clip = driven(model, arguments.frames)
        begun = time.perf_counter()
        made = len(list(model.synthesize([clip], torch.Generator().manual_seed(0))))
        speed = made / (time.perf_counter() - begun)
        limit = matmul_peak(precision) / flops
        steps = f" {model.config.sampling.steps} steps" if hasattr(model.config.sampling, "steps") else ""
        print(
            f"{name}{steps}, {precision}: {speed:.1f} frames/s, {speed / FPS:.2f} times real time, "
            f"{flops / 1e9:.2f} GFLOP a frame, {100 * speed / limit:.0f} % of the machine's matrix products"
        )


if __name__ == "__main__":
    main()
