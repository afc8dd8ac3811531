"""Memory that is freed stays with the process, because on the CPU asking for it anew can cost more than the arithmetic.

glibc returns every large block to the kernel when it is freed and maps a new one for the next tensor, whose pages then
fault in one by one. A training step frees and asks for the same gigabyte each time; on a virtual machine of two cores,
keeping it makes a step of the tiny GAN 1.7 times as fast and one of the tiny DDPM hardly faster
(`benchmarks/allocator.py`).
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
"""Parameters of mallopt(3), from glibc's malloc.h."""


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep freed blocks for the next tensor; False where there is no glibc to tell."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * 2**20))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)
