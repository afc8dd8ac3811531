"""Where results come from: versions, machine, command and time, without the paths of anybody's machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import viseme


def provenance(seed: int) -> dict[str, Any]:
    """What `results.json` keeps under that name. Packages are looked up, not imported; one that is absent is None."""
    return {
        "viseme": viseme.__version__,
        "python": platform.python_version(),
        "torch": _version("torch"),
        "opencv": _version("opencv-python-headless", "opencv-python"),
        "dlib": _version("dlib-bin", "dlib"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "command": command(sys.argv),
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def command(arguments: Sequence[str]) -> str:
    """The command line with only the last part of each path: `viseme evaluate ours --out=results.json`."""
    return " ".join(_shortened(argument) for argument in arguments)


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
