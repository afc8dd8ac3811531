"""Which validation was the best, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from viseme.errors import ConfigError

HIGHER_IS_BETTER = {"snr", "psnr", "ssim", "mouth_correlation_raw"}
"""Scalars of a validation that rise as a model gets better; all others fall."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best validation so far.

    Attributes:
        by: the scalar that chooses, of rollouts as `rollout/NAME`.
        value: its best one; None before the first validation.
        step: when it was reached.
        since: validations after it.
    """

    by: str
    value: float | None = None
    step: int = 0
    since: int = 0

    def after(self, scalars: Mapping[str, float], step: int) -> Best:
        """The best of this and a validation at `step`; a tie keeps the earlier one, NaN is no better than anything.

        Raises:
            ConfigError: the validation has no such scalar; those it has are named.
        """
        if self.by not in scalars:
            raise ConfigError(f"training.best_by={self.by}: validation gives {', '.join(sorted(scalars))}")
        value = scalars[self.by]
        if math.isfinite(value) and (self.value is None or self._better(value, self.value)):
            return replace(self, value=value, step=step, since=0)
        return replace(self, since=self.since + 1)

    def spent(self, patience: int) -> bool:
        """Whether so many validations have passed in vain; never where `patience` is 0."""
        return 0 < patience <= self.since

    def said(self) -> dict[str, Any]:
        """As run.json and checkpoints keep it."""
        return asdict(self)

    def _better(self, value: float, than: float) -> bool:
        return value > than if self.by.rpartition("/")[2] in HIGHER_IS_BETTER else value < than
