"""How fast the GANs draw: frames a second against what the machine's matrix products allow, and memory by length.

    python benchmarks/gan_rollout.py [--presets talk_gan gan_64 ...] [--frames 64] [--precision float32 bf16]

One clip in one pass on random weights, from photo and encoded sound to pixels; the arithmetic is that of trained ones.
The limit is the frame rate at which a square matrix product, timed in the same precision just before and after, would
do the network's operations (counted; the LSTM's steps are not among them). Memory is the most that a process of its own
has held, against that of its shortest clip: it should not grow with length beyond the encoded sound itself. audio.kind
is mel throughout, so that nothing need be downloaded; the backbone's weights are random too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from viseme.config import load_config
from viseme.families import build_network, build_synthesizer
from viseme.gan.synthesizer import GanSynthesizer
from viseme.nn.memory import keep_freed_memory
from viseme.training.limits import matmul_peak, resident_peak
from viseme.types import Conditioning

PRESETS = ("talk_gan", "tiny_gan", "gan_64", "gan_64_stable", "gan_128", "gan_128_stable")
PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}
LENGTHS = (64, 256, 1024)


def synthesizer(preset: str, precision: str) -> GanSynthesizer:
    """A model of random weights."""
    torch.manual_seed(0)
    config = load_config(preset, ["audio.kind=mel", f"sampling.precision={precision}"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = build_synthesizer(config, build_network(config).to(device))
    if not isinstance(model, GanSynthesizer):
        raise SystemExit(f"{preset}: is no GAN")
    return model


def roll(model: GanSynthesizer, frames: int) -> float:
    """Wall-clock time in which that many frames of one clip are made."""
    rng, size = np.random.default_rng(0), model.size
    width = model.encode(np.zeros(640, np.float32), 1).shape[1]
    sound = rng.standard_normal((frames + 1, width), np.float32)
    driven = [Conditioning(rng.integers(0, 256, (size, size, 3), np.uint8), sound)]
    begun = time.perf_counter()
    made = sum(len(frame) for frame in model.synthesize(driven, torch.Generator().manual_seed(0)))
    taken = time.perf_counter() - begun
    assert made == frames
    return taken


def held(preset: str, precision: str, frames: int, threads: int) -> int:
    """Bytes that a process making so many frames holds at most."""
    torch.set_num_threads(threads)
    roll(synthesizer(preset, precision), frames)
    return resident_peak()


def main() -> None:
    """Print a line of speed for each preset and precision, and one of memory for each preset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS), help="frames, for the memory")
    arguments = parser.parse_args()
    keep_freed_memory()
    threads = torch.get_num_threads()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{threads} threads"
    print(f"one clip of {arguments.frames} frames, {where}, torch {torch.__version__}", flush=True)
    for preset in arguments.presets:
        for name in arguments.precision:
            model = synthesizer(preset, PRECISIONS[name])
            with FlopCounterMode(display=False) as counter:
                roll(model, arguments.frames)
            each = counter.get_total_flops() / arguments.frames
            before = matmul_peak(device, PRECISIONS[name])
            taken = min(roll(model, arguments.frames) for _ in range(3)) / arguments.frames
            limit = max(before, matmul_peak(device, PRECISIONS[name])) / each
            print(
                f"{preset}, {model.size} pixels, {name}: {1 / taken:.1f} frames/s, {each / 1e9:.2f} GFLOP a frame, "
                f"{1 / taken / limit:.2f} of the {limit:.0f} frames/s that matrix products allow",
                flush=True,
            )
        # Each length in a process of its own, since what a process has held at most never falls.
        first = 0
        context = multiprocessing.get_context("spawn")
        for frames in arguments.lengths:
            with context.Pool(1) as pool:
                most = pool.apply(held, (preset, PRECISIONS[arguments.precision[-1]], frames, threads))
            first = first or most
            print(f"  {frames} frames: {most / 2**20:.0f} MiB at most, {most / first:.2f} of the first's", flush=True)


if __name__ == "__main__":
    main()
