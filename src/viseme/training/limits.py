"""What this machine can do at most: arithmetic, memory, and the largest batch that fits."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch


def largest_that(fits: Callable[[int], bool], size: int, multiple: int = 1) -> int | None:
    """The largest multiple of `multiple` that fits, within an eighth, from `size` up; None where that does not."""
    if not fits(size):
        return None
    good, bad = size, 2 * size
    while fits(bad):
        good, bad = bad, 2 * bad
    while bad - good > max(multiple, good // 8):
        middle = (good + bad) // (2 * multiple) * multiple
        if middle <= good:
            break
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def matmul_peak(device: torch.device, precision: str) -> float:
    """Operations a second of a square matrix product in a precision, the best of five."""
    dtype = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}[precision]
    side = 8192 if device.type == "cuda" else 2048
    a = torch.ones((side, side), dtype=dtype, device=device)
    best = math.inf
    for _ in range(6):  # the first wakes the device up
        synchronize(device)
        begun = time.perf_counter()
        torch.mm(a, a)
        synchronize(device)
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best


def synchronize(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def resident_peak() -> int:
    """Bytes of memory that this process has held at most."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def available_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    told = Path("/proc/meminfo")
    if not told.is_file():
        return None
    lines = dict(line.split(":", 1) for line in told.read_text(encoding="ascii").splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024
