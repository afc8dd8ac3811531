"""Where results come from: versions, weights, machine, command, time, without the paths of anybody's machine."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import viseme
from viseme.evaluation.networks import Network
from viseme.files import sha256
from viseme.weights import here

_DLIB_MODELS = {"dlib's 68 points": "dlib-landmarks", "dlib's descriptor": "dlib-descriptor"}


def provenance(seed: int, networks: Sequence[Network] = ()) -> dict[str, Any]:
    """What `results.json` keeps under that name. Packages are looked up, not imported; one that is absent is None."""
    return {
        "viseme": viseme.__version__,
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "scipy": _version("scipy"),
        "torch": _version("torch"),
        "opencv": _version("opencv-python-headless", "opencv-python"),
        "dlib": _version("dlib-bin", "dlib"),
        "av": _version("av"),
        "weights": {**dict(weights()), **{network.name: network.sha256 for network in networks}},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": command(sys.argv),
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@functools.cache
def weights() -> tuple[tuple[str, str], ...]:
    """What dlib's models do -> their SHA-256, of the files as they lie here; empty where the package is absent."""
    return tuple((what, sha256(path)) for what, part in _DLIB_MODELS.items() if (path := here(part)))


def command(arguments: Sequence[str]) -> str:
    """The command line with only the last part of each path, as a shell reads it.

    `viseme evaluate ours --out=results.json`, also where it was started as `python -m viseme`.
    """
    program, *rest = [_shortened(argument) for argument in arguments] or [""]
    return shlex.join(["viseme" if program == "__main__.py" else program, *rest])


def _shortened(argument: str) -> str:
    name, equals, value = argument.partition("=")
    if equals and os.sep not in name:
        return name + equals + _base(value)
    return _base(argument)


def _base(value: str) -> str:
    return os.path.basename(value.rstrip(os.sep)) or value if os.sep in value else value


def _version(*names: str) -> str | None:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
