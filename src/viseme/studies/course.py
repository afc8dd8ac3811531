"""How the training of a GAN went, from what its run logged: who was judged right, and whether pictures got better."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from viseme.errors import InputError
from viseme.training.history import Curve, History, read_history
from viseme.training.run import RunFolder
from viseme.training.signs import FOOLED, WON

DIVERGED = 0.05
"""Share by which the error must end above its least to be said to have turned."""
MOST = 0.5
"""A state that holds in more than this share of the looks is the run's."""


@dataclass(frozen=True, slots=True)
class Course:
    """Curves over the steps of one run.

    Attributes:
        judged: mean of the shares of true and of made windows that the discriminator judges right, while training, as
            it is shown them (augmented where it is so); both judges count where there are two.
        held_out: the same on validation windows as they are.
        error: L1 on validation windows in [-1, 1], no place weighted, by the network itself and not its average.
        snr: on the same, in dB.
        generator_norm, discriminator_norm: of gradients, before clipping.
    """

    judged: Curve
    held_out: Curve
    error: Curve
    snr: Curve
    generator_norm: Curve
    discriminator_norm: Curve

    @property
    def steps(self) -> int:
        """The last of the run."""
        return int(self.judged.steps[-1])

    @property
    def accuracy(self) -> float:
        """Mean share judged right over the later half of the run."""
        return float(self._late(self.judged).values.mean())

    @property
    def won(self) -> float:
        """Share of the later half's looks in which more than 95 % is judged right."""
        return float((self._late(self.judged).values > WON).mean())

    @property
    def fooled(self) -> float:
        """Share of the later half's looks in which less than 55 % is judged right."""
        return float((self._late(self.judged).values < FOOLED).mean())

    @property
    def dominated(self) -> bool:
        """Whether the discriminator wins in most looks."""
        return self.won > MOST

    @property
    def coin(self) -> bool:
        """Whether the discriminator knows hardly more than a coin in most looks."""
        return self.fooled > MOST

    @property
    def end(self) -> float:
        """The error at the last validation."""
        return float(self.error.values[-1])

    @property
    def risen(self) -> float:
        """The error's end over its least, less 1."""
        least = float(self.error.values.min())
        return self.end / least - 1 if least > 0 else 0.0

    @property
    def best_step(self) -> int:
        """Where the error was least."""
        return int(self.error.steps[int(self.error.values.argmin())])

    @property
    def diverged(self) -> bool:
        """Whether the error ends more than 5 % above its least."""
        return self.risen > DIVERGED

    @property
    def norms(self) -> tuple[float, float]:
        """Mean gradient norms of generator and discriminator over the later half of the run."""
        late = [self._late(curve).values for curve in (self.generator_norm, self.discriminator_norm)]
        return float(late[0].mean()), float(late[1].mean())

    def _late(self, curve: Curve) -> Curve:
        return curve.after(self.steps // 2)


def read_course(run: str | PathLike[str]) -> Course:
    """The course of a run in its folder.

    Raises:
        InputError: it logged no discriminator or no validation.
    """
    history = read_history(RunFolder(Path(run)).metrics)
    course = Course(
        _right(history, "train"),
        _right(history, "val"),
        history.curve("val", "pixel"),
        history.curve("val", "snr"),
        history.curve("train", "gradient_norm"),
        history.curve("train", "discriminator_gradient_norm"),
    )
    lacking = not len(course.judged) or not len(course.error)
    if lacking or not len(course.discriminator_norm.after(course.steps // 2)):
        raise InputError(
            f"{run}: logged no discriminator or no validation; give a run of kind gan on a store with val clips"
        )
    return course


def _right(history: History, split: str) -> Curve:
    """The mean of both shares, at the steps that have both."""
    true, made = (history.curve(split, name) for name in ("real_right", "fake_right"))
    steps, ours, theirs = np.intersect1d(true.steps, made.steps, return_indices=True)
    return Curve(split, "accuracy", steps, (true.values[ours] + made.values[theirs]) / 2)
