"""Trees of empty files: listers look at names alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """`tree("a/b.mp4", ...)`: a folder that holds these, empty."""

    def grow(*names: str) -> Path:
        for name in names:
            path = tmp_path / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "tree"

    return grow
