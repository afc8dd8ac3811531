"""How a run stands: done, running or stopped, how far, how fast, its curves, its early warnings and its samples."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from viseme.config import Config, load_config
from viseme.training.boards import ROLLOUT
from viseme.training.history import Curve, History, read_history
from viseme.training.run import RunFolder
from viseme.training.signs import signs

SILENT = 120.0
"""Seconds without a logged line after which a run is taken for stopped; ten times its own pace where that is more."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves of one scalar that are drawn together."""

    title: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as its folder tells it.

    Attributes:
        config: what it was begun with.
        about: run.json, empty where it is missing or damaged.
        state: `done`; `running` where a line was logged of late; else `stopped`.
        step: the newest step that was logged or saved.
        history: its curves.
        signs: early warnings, one line each.
        checkpoints: whole ones, oldest first.
        pictures, videos: samples, newest first.
    """

    config: Config
    about: Mapping[str, Any]
    state: Literal["done", "running", "stopped"]
    step: int
    history: History
    signs: tuple[str, ...]
    checkpoints: tuple[Path, ...]
    pictures: tuple[Path, ...]
    videos: tuple[Path, ...]

    @property
    def left(self) -> float | None:
        """Seconds to the end at the pace of late; None where that is not known, or the run is done."""
        pace = self.history.pace
        return None if pace is None or self.state == "done" else pace * max(0, self.config.training.steps - self.step)

    @property
    def best(self) -> str:
        """The best validation, as run.json names it; empty where it does not."""
        best = self.about.get("best")
        if not isinstance(best, dict) or not {"step", "value"} <= best.keys():
            return ""
        name, value = best.get("name") or best.get("by") or "", best["value"]
        number = f"{value:.5g}" if isinstance(value, float) else str(value)
        return " ".join(f"step {best['step']}: {name} {number}".split())


def read_state(folder: RunFolder, now: float | None = None) -> RunState:
    """Read a run folder, whatever is missing in it but its configuration.

    Args:
        folder: of the run.
        now: seconds since the epoch; this moment by default.

    Raises:
        ConfigError: its configuration cannot be read.
    """
    about, history = folder.read_about(), read_history(folder.metrics)
    saved = about.get("step", 0)
    return RunState(
        config=load_config(folder.config),
        about=about,
        state=_state(folder, about, history, time.time() if now is None else now),
        step=max(saved if isinstance(saved, int) else 0, history.last_step),
        history=history,
        signs=tuple(signs(history).values()),
        checkpoints=tuple(folder.checkpoints()),
        pictures=_newest(folder, "png"),
        videos=_newest(folder, "mp4"),
    )


def panels(history: History) -> list[Panel]:
    """Train and val of a scalar together, in the order they were logged; then each scalar of the rollouts."""
    return list(_panels(history))


def _panels(history: History) -> Iterator[Panel]:
    for name in dict.fromkeys(name for split, name in history.curves if split != ROLLOUT):
        splits = sorted(split for split, own in history.curves if own == name and split != ROLLOUT)
        yield Panel(name, tuple(history.curve(split, name) for split in splits))
    for (split, name), curve in history.curves.items():
        if split == ROLLOUT:
            yield Panel(f"{ROLLOUT} {name}", (curve,))


def _state(
    folder: RunFolder, about: Mapping[str, Any], history: History, now: float
) -> Literal["done", "running", "stopped"]:
    if about.get("done") is True:
        return "done"
    if not folder.metrics.is_file():
        return "stopped"
    silence = now - folder.metrics.stat().st_mtime
    return "running" if silence < max(SILENT, 10 * (history.pace or 0)) else "stopped"


def _newest(folder: RunFolder, suffix: str) -> tuple[Path, ...]:
    return tuple(sorted(folder.sample(0).parent.glob(f"step-*.{suffix}"), reverse=True))
