"""Curves: every scalar to a JSONL file, to TensorBoard, and to what other boards there are."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from viseme.files import write_text
from viseme.training.boards import Board, TensorBoard
from viseme.types import UInt8


class Curves:
    """Writes scalars as they come; a resumed run first drops what was logged past the step it resumes from.

    Args:
        jsonl: a line a logged step: `{"step", "split", "seconds", scalars}`, the seconds since training was last begun
            or carried on.
        tensorboard: folder of the event files.
        from_step: the step that the run carries on from, or 0.
        more: boards besides TensorBoard.
    """

    def __init__(self, jsonl: Path, tensorboard: Path, from_step: int, more: Sequence[Board] = ()) -> None:
        if jsonl.exists():
            lines = jsonl.read_text(encoding="utf-8", errors="replace").splitlines()
            write_text(jsonl, "".join(f"{line}\n" for line in lines if _step(line) <= from_step))
        self._file = jsonl.open("a", encoding="utf-8")
        self._boards: list[Board] = [TensorBoard(tensorboard, from_step), *more]
        self._begun = time.monotonic()

    def log(self, step: int, split: str, scalars: Mapping[str, float]) -> None:
        """One line, and one point on each curve."""
        seconds = round(time.monotonic() - self._begun, 3)
        self._file.write(json.dumps({"step": step, "split": split, "seconds": seconds, **scalars}) + "\n")
        self._file.flush()
        for board in self._boards:
            board.scalars(step, split, scalars)

    def picture(self, step: int, picture: UInt8) -> None:
        """A sample sheet uint8 `[H,W,3]`."""
        for board in self._boards:
            board.picture(step, picture)

    def video(self, step: int, path: Path, frames: UInt8) -> None:
        """A video with sound that lies at `path`, and its frames uint8 `[T,H,W,3]`."""
        for board in self._boards:
            board.video(step, path, frames)

    def close(self) -> None:
        """Flush and close all."""
        self._file.close()
        for board in self._boards:
            board.close()


class Means:
    """Means of scalars since they were last taken; they stay tensors until then, so that no step waits for them.

    A scalar that some steps do not tell is the mean over those that do.
    """

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
