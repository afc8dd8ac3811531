"""What was computed from truth once is kept under the user's cache folder, since many systems meet one truth.

Arrays only (`allow_pickle=False`), a file written whole or not at all; one that cannot be read is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viseme.errors import OutputError
from viseme.files import cache_dir, written_aside

Arrays = Mapping[str, NDArray[Any]]


def cached(folder: str, key: tuple[object, ...], names: tuple[str, ...], compute: Callable[[], Arrays]) -> Arrays:
    """The arrays called `names` that were kept under `key`, or those that `compute` gives, kept for the next time.

    Args:
        folder: subfolder of the cache.
        key: everything that the arrays depend on; its parts are told apart by their `repr`.
        names: arrays a kept file must hold.
        compute: gives them anew.
    """
    path = cache_dir() / folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.npz"
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in names}
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass  # damaged: it is written over below
    arrays: dict[str, Any] = {name: array for name, array in compute().items() if name in names}
    # A cache that cannot be written costs time, never a result.
    with contextlib.suppress(OutputError, OSError), written_aside(path) as aside:
        np.savez_compressed(aside, **arrays)
    return arrays
