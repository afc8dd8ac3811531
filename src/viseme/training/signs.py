"""Early warnings: what in a run's curves says that going on as it is will not end well, and what to change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viseme.training.history import Curve, History, read_history

LOG = logging.getLogger("viseme.training")

WON, WON_OVER = 0.95, 200
"""A discriminator that is right about so many windows of both kinds, over so many steps, has won."""
FOOLED = 0.55
"""A discriminator right about no more than this of the windows, a coin being right about half, has lost."""
FEWEST = 8
"""Points on each side below which nothing is said of a curve's course."""
RISE = 0.05
"""Share by which a curve must rise, past three standard errors, to be said to."""
APART = 0.10
"""Share by which validation must exceed its best while training still falls."""
SINCE_BEST = 3
"""Validations in a row that must exceed it so."""


def signs(history: History) -> dict[str, str]:
    """The signs that a run shows now: a name -> one line that says what, since when, and what to change."""
    return dict(_found(history))


class Watch:
    """Tells each sign once, in the log, while a run trains."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def look(self, metrics: Path) -> None:
        """Read the run's metrics.jsonl and log (`viseme.training`) each sign that is new."""
        for name, line in signs(read_history(metrics)).items():
            if name not in self._told:
                self._told.add(name)
                LOG.warning("%s", line)


def _found(history: History) -> Iterator[tuple[str, str]]:
    if line := _discriminator_wins(history):
        yield "discriminator", line
    if line := _generator_wins(history):
        yield "generator", line
    # What a generator is told to lower rises with a better adversary; the error in pixels is what must not.
    watched = "pixel" if len(history.curve("train", "discriminator")) else "loss"
    if line := _rises(history.curve("train", watched)):
        yield "rising", line
    for name in ("lip", watched):
        if line := _parts(history.curve("train", name), history.curve("val", name)):
            yield "apart", line
            break


def _discriminator_wins(history: History) -> str:
    """Both rates above 0.95 on average over the last 200 steps, the adversary being there all that time."""
    shares = _judged_right(history, WON_OVER)
    if not shares or min(shares) <= WON:
        return ""
    return (
        f"the discriminator wins: right about {shares[0]:.0%} of true and {shares[1]:.0%} of made windows over the "
        f"last {WON_OVER} steps, so that the generator learns nothing from it; set discriminator.learning_rate or "
        "loss.adversarial lower, or loss.r1, discriminator.spectral_norm or discriminator.augment"
    )


def _generator_wins(history: History) -> str:
    """Rates of 0.55 or less in the mean over the last 200 steps, the adversary being there for twice that time."""
    shares = _judged_right(history, 2 * WON_OVER)
    if not shares or sum(shares) / 2 > FOOLED:
        return ""
    return (
        f"the generator wins: the discriminator is right about {shares[0]:.0%} of true and {shares[1]:.0%} of made "
        f"windows over the last {WON_OVER} steps, hardly more than a coin, so that what it tells is noise; set "
        "discriminator.learning_rate or discriminator.steps higher, or discriminator.augment or loss.r1 lower"
    )


def _judged_right(history: History, there: int) -> list[float]:
    """Means of both rates over the last 200 steps; nothing before the adversary was there for so many."""
    shares = []
    for name in ("real_right", "fake_right"):
        curve = history.curve("train", name)
        if not len(curve) or curve.steps[-1] - curve.steps[0] < there:
            return []
        shares.append(float(curve.after(int(curve.steps[-1]) - WON_OVER).values.mean()))
    return shares


def _rises(curve: Curve) -> str:
    """Mean of the last sixth of a curve above that of the sixth before, beyond what its scatter explains."""
    part = len(curve) // 6
    if part < FEWEST:
        return ""
    before, last = curve.values[-2 * part : -part], curve.values[-part:]
    risen = float(last.mean() - before.mean())
    error = float(np.sqrt(before.var(ddof=1) / part + last.var(ddof=1) / part))
    if risen <= 3 * error or risen <= RISE * abs(float(before.mean())):
        return ""
    since = int(curve.steps[-2 * part])
    return (
        f"training {curve.name} rises: {before.mean():.4g} to {last.mean():.4g} since step {since}; "
        "set training.learning_rate lower, or give it more training.decay_steps"
    )


def _parts(train: Curve, val: Curve) -> str:
    """The last three validations 10 % above the best, while training falls further."""
    if len(val) <= SINCE_BEST or not len(train):
        return ""
    at = int(val.values.argmin())
    best, least = int(val.steps[at]), float(val.values[at])
    since = val.values[at + 1 :]
    if len(since) < SINCE_BEST or float(since[-SINCE_BEST:].min()) <= least + APART * abs(least):
        return ""
    then, now = _near(train, best), _near(train, int(val.steps[-1]))
    if min(len(then), len(now)) < FEWEST // 2 or now.mean() >= then.mean():
        return ""
    return (
        f"validation parts from training: {val.name} was least at step {best} ({least:.4g}) and is "
        f"{val.values[-1]:.4g} while training's still falls; stop at step {best}, give it more actors, "
        "or set data.colour or data.tract higher"
    )


def _near(curve: Curve, step: int) -> NDArray[np.float64]:
    """The last few values up to a step."""
    return curve.values[curve.steps <= step][-FEWEST:]
