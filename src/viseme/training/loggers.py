"""Curves: every scalar to a JSONL file and to TensorBoard."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from viseme.files import write_text
from viseme.types import UInt8


class Curves:
    """Writes scalars as they come; a resumed run first drops what was logged past the step it resumes from."""

    def __init__(self, jsonl: Path, tensorboard: Path, from_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        if jsonl.exists():
            lines = jsonl.read_text(encoding="utf-8").splitlines()
            write_text(jsonl, "".join(f"{line}\n" for line in lines if _step(line) <= from_step))
        self._file = jsonl.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(tensorboard), purge_step=from_step + 1)

    def log(self, step: int, split: str, scalars: Mapping[str, float]) -> None:
        """One line, and one point on each curve."""
        self._file.write(json.dumps({"step": step, "split": split, **scalars}) + "\n")
        self._file.flush()
        for name, value in scalars.items():
            self._board.add_scalar(f"{name}/{split}", value, step)

    def picture(self, step: int, picture: UInt8) -> None:
        """A sample sheet uint8 `[H,W,3]`."""
        self._board.add_image("samples", picture, step, dataformats="HWC")

    def close(self) -> None:
        """Flush and close both."""
        self._file.close()
        self._board.close()


class Means:
    """Means of scalars since they were last taken; they stay tensors until then, so that no step waits for them."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[Tensor]] = defaultdict(list)

    def add(self, scalars: Mapping[str, Tensor]) -> None:
        """Take one step's scalars in."""
        for name, value in scalars.items():
            self._values[name].append(value.detach())

    def take(self) -> dict[str, float]:
        """The means, and begin anew."""
        means = {name: sum(float(value) for value in values) / len(values) for name, values in self._values.items()}
        self._values.clear()
        return means


def _step(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 2**63  # a line cut short by a kill: drop it
